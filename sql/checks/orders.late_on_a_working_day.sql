-- fmt: off
-- invariant: No order line is late only because it was due on a Saturday or Sunday.
-- finding: {n} order (line is|lines are) late only because (it was|they were) due on a Saturday or Sunday
-- if it fails: a delivery on the Monday after the weekend counts as late, and OTIF is too low; promise working days, or
--   allow late_days in the settings.
-- severity: warning
-- owner: Customer logistics
-- keys: order_id, line_no, basis, due_date, delivered_date
-- needs: orders
-- fmt: on
with
    due as (
        select order_id, line_no, basis, due_date
        from
            (
                from
                    core.orders unpivot (
                        due_date for basis
                        in (requested_date as requested, promised_date as promised, last_promised_date as last_promised)
                    )
            )
        where
            isodow(due_date) >= 6
            and not never_counts(status, cancelled_date)
            and coalesce(cancelled_date > due_date, true)
            and quantity > 0
    ),

    arrivals as (
        select order_id, order_line_no as line_no, delivered_date
        from core.deliveries
        union all
        select order_id, line_no, delivered_date
        from core.orders
    )

select
    days.period_month,
    due.order_id,
    due.line_no,
    due.basis,
    due.due_date,
    min(arrivals.delivered_date) as delivered_date
from due
join core.days as days on days.calendar_date = due.due_date
join build.periods as periods on periods.period_month = days.period_month
join
    arrivals
    on arrivals.order_id = due.order_id
    and arrivals.line_no = due.line_no
    and arrivals.delivered_date > due.due_date + (select late_days from build.settings)
    -- The Monday after it.
    and arrivals.delivered_date <= due.due_date + (8 - isodow(due.due_date))::integer
where arrivals.delivered_date <= periods.as_of_date
group by days.period_month, due.order_id, due.line_no, due.basis, due.due_date
