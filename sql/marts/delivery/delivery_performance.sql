-- fmt: off
-- grain: period_month, account_id, basis
-- why: whether the lines due in the month reached the customer on time and in full, as known at the month's end. A line counts
--   once per basis: a sum needs one of them, such as that of is_default_basis
-- method: delivery-performance-1
-- needs: orders
-- adds up within one: basis
-- lines: core.order_due_lines by period_month, account_id, basis sums line_count = 1, on_time_count = is_on_time, in_full_count =
--     is_in_full, otif_count = is_on_time and is_in_full, late_count = is_late, open_late_count = is_open, quantity_due = quantity,
--     quantity_on_time = on_time_quantity, days_late = case when is_late then days_late end
-- columns:
--   period_month            DATE
--   account_id              VARCHAR
--   account_name            VARCHAR
--   account_manager         VARCHAR
--   basis                   VARCHAR        The date a line is due by: requested, promised (first promise) or last_promised
--   is_default_basis        BOOLEAN        Whether our own delivery score goes by this date, unless a customer's rules name another one
--   line_count              BIGINT         [count; sum] Order lines due in the month; cancelled lines, lines without this date or quantity left out
--   on_time_count           BIGINT         [count; sum; more is better] Lines whose deliveries inside the window are above zero and reach the lesser of the ordered quantity and what was delivered by as_of_date
--   in_full_count           BIGINT         [count; sum; more is better] Lines whose ordered quantity was reached by as_of_date; where a tolerance is set, within it on both sides
--   otif_count              BIGINT         [count; sum; more is better] Lines both on time and in full
--   late_count              BIGINT         [count; sum; less is better] Lines complete after the window, or open by as_of_date; a line closed short counts by its last delivery
--   open_late_count         BIGINT         [count; sum; less is better] Lines not complete by as_of_date; not those of status closed that had a delivery by then
--   on_time_ratio           DECIMAL(18,6)  [fraction; ratio of on_time_count ÷ line_count; more is better] Share of lines on time
--   in_full_ratio           DECIMAL(18,6)  [fraction; ratio of in_full_count ÷ line_count; more is better] Share of lines in full
--   otif_ratio              DECIMAL(18,6)  [fraction; ratio of otif_count ÷ line_count; more is better] Share of lines on time and in full
--   otif_ratio_reason       VARCHAR        Why otif_ratio and the other columns that need deliveries are undefined
--   quantity_due            DECIMAL(34,4)  [units of the item; sum] Quantity ordered on the lines due
--   quantity_on_time        DECIMAL(34,4)  [units of the item; sum; more is better] Quantity delivered inside the window, at most what the line ordered, rejected goods included
--   quantity_reason         VARCHAR        Why quantity_due and quantity_on_time have no sum, and no ratio: the lines due are of different units
--   quantity_on_time_ratio  DECIMAL(36,6)  [fraction; ratio of quantity_on_time ÷ quantity_due; more is better] Share of the quantity due that came on time
--   days_late               BIGINT         [days; sum; less is better] Days late of the late lines, added up
--   average_days_late       DECIMAL(18,2)  [days; ratio of days_late ÷ late_count; less is better] Days from the due date to completion (of a line closed short: to its last delivery), or to as_of_date while open, over the late lines; NULL when none is late := Σ days late ÷ late_count
-- fmt: on
select
    totals.period_month,
    totals.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    totals.basis,
    totals.basis = defaults.delivery_basis as is_default_basis,
    totals.line_count,
    case
        when records.no_deliveries is null
        then
            columns(
                totals.* exclude (
                    period_month, account_id, basis, line_count, quantity_due, quantity_on_time, quantity_reason
                )
            )
    end,
    case when records.no_deliveries is null then ratio(totals.on_time_count, totals.line_count) end as on_time_ratio,
    case when records.no_deliveries is null then ratio(totals.in_full_count, totals.line_count) end as in_full_ratio,
    case when records.no_deliveries is null then ratio(totals.otif_count, totals.line_count) end as otif_ratio,
    records.no_deliveries as otif_ratio_reason,
    case when totals.quantity_reason is null then totals.quantity_due end as quantity_due,
    case
        when records.no_deliveries is null and totals.quantity_reason is null then totals.quantity_on_time
    end as quantity_on_time,
    totals.quantity_reason,
    case
        when coalesce(records.no_deliveries, totals.quantity_reason) is null
        then ratio(totals.quantity_on_time, totals.quantity_due)
    end as quantity_on_time_ratio,
    case
        when records.no_deliveries is null then ratio(totals.days_late, totals.late_count)::decimal(18, 6)
    end as average_days_late
from core.delivery_month_totals as totals
join build.periods as periods using (period_month)
join
    build.rating_rules as defaults
    on defaults.account_id is null
    and coalesce(totals.period_month >= defaults.first_month, true)
    and coalesce(totals.period_month < defaults.end_month, true)
cross join core.delivery_records as records
left join core.accounts as accounts on accounts.account_id = totals.account_id
