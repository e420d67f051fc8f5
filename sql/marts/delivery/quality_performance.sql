-- fmt: off
-- grain: period_month, account_id
-- why: what customers sent back or complained about, against what was delivered to them
-- method: quality-performance-1
-- needs: orders|issues
-- columns:
--   period_month            DATE
--   account_id              VARCHAR
--   account_name            VARCHAR
--   account_manager         VARCHAR
--   delivered_quantity      DECIMAL(18,4)  [units of the item; sum] Quantity delivered in the month, rejected goods included; NULL when no feed has orders
--   rejected_quantity       DECIMAL(18,4)  [units of the item; sum] Of the deliveries of the month, what the customer rejected; NULL when no source says what was rejected
--   ppm                     DECIMAL(18,6)  [parts per million; ratio of rejected_quantity * 1000000 ÷ delivered_quantity] Rejected parts per million delivered; NULL when nothing was delivered
--   ppm_reason              VARCHAR
--   complaint_count         BIGINT         [count; sum] Complaints opened in the month
--   complaint_count_reason  VARCHAR        Why the complaint columns are undefined, those to date too
--   complaint_quantity      DECIMAL(18,4)  [units of the item; sum] Quantity that the complaints opened in the month concern
--   ytd_delivered_quantity  DECIMAL(18,4)  [units of the item; last in time] Quantity delivered in the fiscal year to date, rejected goods included
--   ytd_rejected_quantity   DECIMAL(18,4)  [units of the item; last in time] Of the deliveries of the fiscal year to date, what the customer rejected; NULL when no source says what was rejected
--   ytd_ppm                 DECIMAL(18,6)  [parts per million; ratio of ytd_rejected_quantity * 1000000 ÷ ytd_delivered_quantity] Rejected parts per million delivered in the fiscal year to date, from totals
--   ytd_complaint_count     BIGINT         [count; last in time] Complaints opened in the fiscal year to date
--   ytd_complaint_quantity  DECIMAL(18,4)  [units of the item; last in time] Quantity that the complaints opened in the fiscal year to date concern
-- fmt: on
with
    to_date as (
        select
            periods.period_month,
            totals.account_id,
            coalesce(
                sum(totals.delivered_quantity) filter (totals.period_month = periods.period_month), 0
            ) as delivered_quantity,
            case
                when any_value(records.rejects_are_recorded)
                then coalesce(sum(totals.rejected_quantity) filter (totals.period_month = periods.period_month), 0)
            end as rejected_quantity,
            coalesce(
                sum(totals.complaint_count) filter (totals.period_month = periods.period_month), 0
            ) as complaint_count,
            coalesce(
                sum(totals.complaint_quantity) filter (totals.period_month = periods.period_month), 0
            ) as complaint_quantity,
            sum(totals.delivered_quantity) as ytd_delivered_quantity,
            case
                when any_value(records.rejects_are_recorded) then sum(totals.rejected_quantity)
            end as ytd_rejected_quantity,
            sum(totals.complaint_count) as ytd_complaint_count,
            sum(totals.complaint_quantity) as ytd_complaint_quantity
        from build.periods as periods
        join
            core.delivery_quality_totals as totals
            on totals.period_month between periods.fiscal_year_first_month and periods.period_month
        cross join core.delivery_records as records
        group by periods.period_month, totals.account_id
    )

select
    to_date.period_month,
    to_date.account_id,
    case
        when no_orders is null
        then
            columns(
                to_date.* exclude (
                    period_month,
                    account_id,
                    complaint_count,
                    complaint_quantity,
                    ytd_complaint_count,
                    ytd_complaint_quantity
                )
            )
    end,
    case when no_issues is null then columns('complaint_(count|quantity)$') end,
    no_issues as complaint_count_reason,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    ratio(to_date.rejected_quantity * 1000000, to_date.delivered_quantity) as ppm,
    case
        when no_orders is not null
        then no_orders
        when to_date.delivered_quantity = 0
        then 'nothing was delivered'
        when to_date.rejected_quantity is null
        then 'no source says what was rejected'
    end as ppm_reason,
    ratio(to_date.ytd_rejected_quantity * 1000000, to_date.ytd_delivered_quantity) as ytd_ppm
from to_date
cross join
    (
        select
            undeclared_reason('orders', declared_feeds) as no_orders,
            undeclared_reason('issues', declared_feeds) as no_issues
        from build.settings
    ) as declared
left join core.accounts as accounts using (account_id)
