-- fmt: off
-- grain: business month looked back on × account × deduction of its rules, where it took points or cannot be judged
-- why: points that events of the month take off a dimension or the overall score, before a score ends at 0
-- columns:
--   period_month   DATE
--   account_id     VARCHAR
--   dimension      VARCHAR
--   deduction_no   INTEGER
--   deduction      VARCHAR
--   event          VARCHAR
--   points         DECIMAL(18,6)
--   points_reason  VARCHAR
-- fmt: on
with
    asked as (
        select rules.period_month, rules.account_id, rules.delivery_basis, deductions.*
        from core.rating_rules as rules
        join build.rating_deductions as deductions on deductions.rules_no = rules.rules_no
        where rules.account_id is not null
    ),

    counted as (
        select
            asked.period_month,
            asked.account_id,
            asked.deduction_no,
            (totals.line_count - totals.otif_count)::decimal(38, 6) as figure
        from asked
        join
            core.delivery_month_totals as totals
            on totals.period_month = asked.period_month
            and totals.account_id = asked.account_id
            and totals.basis = asked.delivery_basis
        where asked.event = 'late_line'
        union all
        select asked.period_month, asked.account_id, asked.deduction_no, count(*)
        from asked
        join
            core.rating_events as events
            on events.period_month = asked.period_month
            and events.account_id = asked.account_id
            and events.event = asked.event
            and is_among(events.issue_type, asked.issue_type)
            and is_among(events.category, asked.category)
            and is_among(events.severity, asked.severity)
            and is_among(events.incident, asked.incident)
        group by asked.period_month, asked.account_id, asked.deduction_no
        union all
        select
            asked.period_month,
            asked.account_id,
            asked.deduction_no,
            ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity)
        from asked
        join
            core.delivery_quality_totals as totals
            on totals.period_month = asked.period_month
            and totals.account_id = asked.account_id
        where asked.event = 'ppm'
    ),

    judged as (
        select
            asked.*,
            counted.figure,
            case
                when asked.event in ('issue', 'overdue_issue')
                then null
                when records.no_deliveries is not null
                then records.no_deliveries
                when asked.event <> 'late_line' and not records.rejects_are_recorded
                then 'the rules deduct for rejects, and no source says what was rejected'
                when asked.event = 'ppm'
                then units_reason(totals.delivered_units.least <> totals.delivered_units.greatest)
            end as points_reason
        from asked
        cross join core.delivery_records as records
        left join counted using (period_month, account_id, deduction_no)
        left join
            core.delivery_quality_totals as totals
            on totals.period_month = asked.period_month
            and totals.account_id = asked.account_id
    )

select
    period_month,
    account_id,
    dimension,
    deduction_no,
    name as deduction,
    event,
    case
        when points_reason is null
        then least(case when event = 'ppm' then points else points * (figure - above) end, at_most, 100)::decimal(18, 6)
    end as points,
    points_reason
from judged
where points_reason is not null or figure > above
