-- fmt: off
-- why: deliveries of the month are missing from the parts per million, or count twice
-- needs: orders|issues
-- A delivery of an unknown order line has no account. Deliveries of different units have no total; they are left out on both sides.
-- fmt: on
with
    delivered as (
        select
            days.period_month,
            deliveries.order_id,
            deliveries.order_line_no as line_no,
            sum(deliveries.quantity) as quantity
        from core.deliveries as deliveries
        join core.days as days on days.calendar_date = deliveries.delivered_date
        semi join build.periods as periods on periods.period_month = days.period_month
        group by all
    ),

    -- Sources with one delivery per line keep it in the order; where deliveries are given, those count.
    in_orders as (
        select days.period_month, orders.account_id, coalesce(orders.delivered_quantity, orders.quantity) as quantity
        from core.orders as orders
        join core.days as days on days.calendar_date = orders.delivered_date
        semi join build.periods as periods on periods.period_month = days.period_month
        where (orders.order_id, orders.line_no) not in (select (order_id, order_line_no) from core.deliveries)
    ),

    sides as (
        select
            delivered.period_month,
            orders.account_id,
            delivered.quantity as left_amount,
            case when orders.order_id is null then delivered.quantity else 0 end as right_amount
        from delivered
        left join core.orders as orders using (order_id, line_no)
        union all
        select period_month, account_id, quantity, 0
        from in_orders
        union all
        select period_month, account_id, 0, delivered_quantity
        from build.quality_performance
    ),

    without_total as (select period_month, account_id from build.quality_performance where quantity_reason is not null)

select
    period_month,
    'deliveries of the month = quality performance + unknown order lines' as control,
    'units' as currency,
    coalesce('account ' || account_id, 'unknown order lines') as item,
    left_amount,
    right_amount
from sides
anti join without_total using (period_month, account_id)
