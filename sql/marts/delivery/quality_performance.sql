-- fmt: off
-- grain: period_month, account_id
-- why: what customers sent back or complained about, against what was delivered to them
-- method: quality-performance-1
-- needs: orders|issues
-- lines: core.delivery_lines by account_id where (figure.period_month, line.delivered_date) in (select (period_month, calendar_date) from
--     core.days) sums delivered_quantity = quantity, rejected_quantity;
--   for complaint_*: core.issues by account_id where line.issue_type = 'complaint' and (figure.period_month, line.opened_date) in (select
--     (period_month, calendar_date) from core.days) sums complaint_count = 1, complaint_quantity = affected_quantity;
--   for ytd_*: core.delivery_lines by account_id where (figure.period_month, line.delivered_date) in (select (periods.period_month,
--     days.calendar_date) from build.periods as periods join core.days as days on days.period_month between
--     periods.fiscal_year_first_month and periods.period_month) sums ytd_delivered_quantity = quantity, ytd_rejected_quantity =
--     rejected_quantity;
--   for ytd_complaint_*: core.issues by account_id where line.issue_type = 'complaint' and (figure.period_month, line.opened_date) in
--     (select (periods.period_month, days.calendar_date) from build.periods as periods join core.days as days on days.period_month
--     between periods.fiscal_year_first_month and periods.period_month) sums ytd_complaint_count = 1, ytd_complaint_quantity =
--     affected_quantity
-- columns:
--   period_month            DATE
--   account_id              VARCHAR
--   account_name            VARCHAR
--   account_manager         VARCHAR
--   delivered_quantity      DECIMAL(34,4)  [units of the item; sum] Quantity delivered in the month, rejected goods included; NULL when no source has deliveries
--   rejected_quantity       DECIMAL(34,4)  [units of the item; sum; less is better] Of the deliveries of the month, what the customer rejected; NULL when no source says what was rejected
--   quantity_reason         VARCHAR        Why delivered_quantity and rejected_quantity are undefined: no source has deliveries, or the products delivered in the month are of different units
--   ppm                     DECIMAL(36,6)  [parts per million; ratio of rejected_quantity * 1000000 ÷ delivered_quantity; less is better] Rejected parts per million delivered; NULL when nothing was delivered
--   ppm_reason              VARCHAR
--   complaint_count         BIGINT         [count; sum; less is better] Complaints opened in the month
--   complaint_count_reason  VARCHAR        Why the complaint columns are undefined, those to date too
--   complaint_quantity      DECIMAL(34,4)  [units of the item; sum; less is better] Quantity that the complaints opened in the month concern
--   complaint_quantity_reason  VARCHAR     Why complaint_quantity is undefined
--   ytd_delivered_quantity  DECIMAL(34,4)  [units of the item; last in time] Quantity delivered in the fiscal year to date, rejected goods included
--   ytd_rejected_quantity   DECIMAL(34,4)  [units of the item; last in time; less is better] Of the deliveries of the fiscal year to date, what the customer rejected; NULL when no source says what was rejected
--   ytd_quantity_reason     VARCHAR        Why ytd_delivered_quantity, ytd_rejected_quantity and ytd_ppm are undefined: no source has deliveries, or the products delivered in the fiscal year to date are of different units
--   ytd_ppm                 DECIMAL(36,6)  [parts per million; ratio of ytd_rejected_quantity * 1000000 ÷ ytd_delivered_quantity; less is better] Rejected parts per million delivered in the fiscal year to date, from totals
--   ytd_complaint_count     BIGINT         [count; last in time; less is better] Complaints opened in the fiscal year to date
--   ytd_complaint_quantity  DECIMAL(34,4)  [units of the item; last in time; less is better] Quantity that the complaints opened in the fiscal year to date concern; NULL where they are of different units
-- fmt: on
with
    totals as (
        select
            periods.period_month,
            totals.account_id,
            totals.period_month = periods.period_month as is_current,
            totals.delivered_quantity,
            case when records.rejects_are_recorded then totals.rejected_quantity end as rejected_quantity,
            totals.delivered_units,
            totals.complaint_count,
            totals.complaint_quantity,
            totals.complaint_units
        from build.periods as periods
        join
            core.delivery_quality_totals as totals
            on totals.period_month between periods.fiscal_year_first_month and periods.period_month
        cross join core.delivery_records as records
    ),

    to_date as (
        select
            period_month,
            account_id,
            coalesce(sum(delivered_quantity) filter (is_current), 0) as delivered_quantity,
            case
                when count(rejected_quantity) = count(*) then coalesce(sum(rejected_quantity) filter (is_current), 0)
            end as rejected_quantity,
            min(delivered_units.least) filter (is_current)
            <> max(delivered_units.greatest) filter (is_current) as has_units,
            coalesce(sum(complaint_count) filter (is_current), 0) as complaint_count,
            coalesce(sum(complaint_quantity) filter (is_current), 0) as complaint_quantity,
            min(complaint_units.least) filter (is_current)
            <> max(complaint_units.greatest) filter (is_current) as has_complaint_units,
            sum(delivered_quantity) as ytd_delivered_quantity,
            sum(rejected_quantity) as ytd_rejected_quantity,
            min(delivered_units.least) <> max(delivered_units.greatest) as ytd_has_units,
            sum(complaint_count) as ytd_complaint_count,
            sum(complaint_quantity) as ytd_complaint_quantity,
            min(complaint_units.least) <> max(complaint_units.greatest) as ytd_has_complaint_units
        from totals
        group by period_month, account_id
    ),

    reasons as (
        select
            to_date.*,
            records.no_deliveries,
            undeclared_reason('issues', settings.declared_feeds) as no_issues,
            units_reason(to_date.has_units) as quantity_reason,
            units_reason(to_date.ytd_has_units) as ytd_quantity_reason
        from to_date
        cross join build.settings as settings
        cross join core.delivery_records as records
    )

select
    reasons.period_month,
    reasons.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    case when coalesce(no_deliveries, quantity_reason) is null then delivered_quantity end as delivered_quantity,
    case when coalesce(no_deliveries, quantity_reason) is null then rejected_quantity end as rejected_quantity,
    coalesce(no_deliveries, quantity_reason) as quantity_reason,
    case
        when coalesce(no_deliveries, quantity_reason) is null
        then ratio(rejected_quantity * 1000000, delivered_quantity)
    end as ppm,
    case
        when coalesce(no_deliveries, quantity_reason) is not null
        then coalesce(no_deliveries, quantity_reason)
        when delivered_quantity = 0
        then 'nothing was delivered'
        when rejected_quantity is null
        then 'no source says what was rejected'
    end as ppm_reason,
    case when no_issues is null then complaint_count end as complaint_count,
    no_issues as complaint_count_reason,
    case
        when coalesce(no_issues, units_reason(has_complaint_units)) is null then complaint_quantity
    end as complaint_quantity,
    coalesce(no_issues, units_reason(has_complaint_units)) as complaint_quantity_reason,
    case
        when coalesce(no_deliveries, ytd_quantity_reason) is null then ytd_delivered_quantity
    end as ytd_delivered_quantity,
    case
        when coalesce(no_deliveries, ytd_quantity_reason) is null then ytd_rejected_quantity
    end as ytd_rejected_quantity,
    coalesce(no_deliveries, ytd_quantity_reason) as ytd_quantity_reason,
    case
        when coalesce(no_deliveries, ytd_quantity_reason) is null
        then ratio(ytd_rejected_quantity * 1000000, ytd_delivered_quantity)
    end as ytd_ppm,
    case when no_issues is null then ytd_complaint_count end as ytd_complaint_count,
    case
        when coalesce(no_issues, units_reason(ytd_has_complaint_units)) is null then ytd_complaint_quantity
    end as ytd_complaint_quantity
from reasons
left join core.accounts as accounts using (account_id)
