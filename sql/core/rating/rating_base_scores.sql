-- fmt: off
-- grain: business month looked back on × account × dimension with an own score
-- why: what the deliveries, rejects and issues of the month say, 0 to 100, before deductions; a month without activity has no row
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   dimension     VARCHAR
--   score         DECIMAL(18,6)
-- fmt: on
with
    quality as (
        select
            totals.period_month,
            totals.account_id,
            rules.rules_no,
            ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity)::decimal(36, 6) as ppm
        from core.delivery_quality_totals as totals
        cross join core.delivery_records as records
        join core.rating_rules as rules using (period_month, account_id)
        where
            totals.delivered_quantity > 0
            and records.rejects_are_recorded
            -- Pieces and kilograms have no common parts per million.
            and totals.delivered_units.least is not distinct from totals.delivered_units.greatest
    ),

    measured as (
        select
            quality.period_month,
            quality.account_id,
            'quality' as dimension,
            -- The lowest step that the figure does not exceed; the last step has no end.
            arg_min(steps.score, coalesce(steps.upper_ppm, 1000001)) as score
        from quality
        join
            build.rating_ppm_steps as steps
            on steps.rules_no = quality.rules_no
            and (steps.upper_ppm is null or quality.ppm <= steps.upper_ppm)
        group by quality.period_month, quality.account_id
        union all
        select
            totals.period_month,
            totals.account_id,
            'delivery',
            ratio(100 * totals.otif_count, totals.line_count)::decimal(18, 6)
        from core.delivery_month_totals as totals
        join
            core.rating_rules as rules
            on rules.period_month = totals.period_month
            and rules.account_id = totals.account_id
            and rules.delivery_basis = totals.basis
        cross join core.delivery_records as records
        where records.no_deliveries is null
        union all
        -- Quality and delivery have measures of their own. The other dimensions are judged by the issues that fell
        -- due, each in the dimension it is about; what is about no single dimension is how the account is managed.
        select
            period_month,
            account_id,
            case when dimension in ('cost', 'development') then dimension else 'management' end as dimension,
            ratio(100 * count_if(is_closed_in_time), count(*))::decimal(18, 6) as score
        from core.issue_months
        where is_due and dimension not in ('quality', 'delivery')
        group by all
    ),

    active as (
        select period_month, account_id
        from core.delivery_month_totals
        union
        select period_month, account_id
        from core.delivery_quality_totals
        where delivered_quantity > 0
        union
        select period_month, account_id
        from core.issue_months
        where is_due
        union
        select period_month, account_id
        from core.rating_events
        where event = 'issue'
    ),

    -- What happened takes points off 100 where nothing else was measured; not where it could not be.
    deducted as (
        select distinct deductions.period_month, deductions.account_id, deductions.dimension
        from core.rating_deductions as deductions
        cross join core.delivery_records as records
        cross join build.settings as settings
        left join core.delivery_quality_totals as totals using (period_month, account_id)
        anti join measured using (period_month, account_id, dimension)
        where
            case
                deductions.dimension
                when 'overall'
                then false
                when 'delivery'
                then records.no_deliveries is null
                when 'quality'
                then
                    records.no_deliveries is null
                    and records.rejects_are_recorded
                    and totals.delivered_units.least is not distinct from totals.delivered_units.greatest
                else list_contains(settings.declared_feeds, 'issues')
            end
    )

select scores.period_month, scores.account_id, scores.dimension, scores.score::decimal(18, 6) as score
from
    (
        from measured
        union all
        select *, 100
        from deducted
    ) as scores
join core.rating_rules as rules using (period_month, account_id)
join build.rating_weights as weights on weights.rules_no = rules.rules_no and weights.dimension = scores.dimension
where not weights.is_only_deductions
union all
select active.period_month, active.account_id, weights.dimension, 100
from active
join core.rating_rules as rules using (period_month, account_id)
join build.rating_weights as weights on weights.rules_no = rules.rules_no
where weights.is_only_deductions
