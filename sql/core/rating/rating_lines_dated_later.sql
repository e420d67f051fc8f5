-- fmt: off
-- grain: month built × order line due by its end that its source dates after it
-- why: such a line is due as well, and in no list of the month
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   order_id      VARCHAR
--   line_no       INTEGER
--   product_id    VARCHAR
--   quantity      DECIMAL(18,4)
--   due_date      DATE
--   is_otif       BOOLEAN
-- fmt: on
with
    dated_later as (
        select
            periods.period_month,
            periods.as_of_date,
            orders.*,
            case
                rules.delivery_basis
                when 'requested'
                then orders.requested_date
                when 'promised'
                then orders.promised_date
                else orders.last_promised_date
            end as due_date
        from core.orders as orders
        join
            build.periods as periods
            on orders.order_date > periods.as_of_date
            and coalesce(orders.cancelled_date > periods.as_of_date, true)
        join
            core.rating_rules as rules
            on rules.period_month = periods.period_month
            and rules.account_id = orders.account_id
        where
            not never_counts(orders.status, orders.cancelled_date)
            and orders.quantity > 0
            and due_date <= periods.as_of_date
    ),

    arrivals as (
        select deliveries.order_id, deliveries.order_line_no as line_no, deliveries.delivered_date, deliveries.quantity
        from core.deliveries as deliveries
        semi join
            dated_later on dated_later.order_id = deliveries.order_id and dated_later.line_no = deliveries.order_line_no
    ),

    arrived as (
        select order_id, line_no, delivered_date, quantity
        from arrivals
        union all
        select distinct order_id, line_no, delivered_date, coalesce(delivered_quantity, quantity)
        from dated_later
        anti join arrivals using (order_id, line_no)
        where delivered_date is not null
    )

select
    lines.period_month,
    lines.account_id,
    lines.order_id,
    lines.line_no,
    lines.product_id,
    lines.quantity,
    lines.due_date,
    coalesce(
        sum(arrived.quantity) filter (
            arrived.delivered_date <= lines.due_date + settings.late_days
            and coalesce(arrived.delivered_date >= lines.due_date - settings.early_days, true)
        )
        >= any_value(lines.quantity::decimal(28, 4) * (1 - settings.quantity_tolerance_ratio))
        and (
            any_value(settings.quantity_tolerance_ratio) = 0
            or sum(arrived.quantity)
            <= any_value(lines.quantity::decimal(28, 4) * (1 + settings.quantity_tolerance_ratio))
        ),
        false
    ) as is_otif
from dated_later as lines
cross join build.settings as settings
left join
    arrived
    on arrived.order_id = lines.order_id
    and arrived.line_no = lines.line_no
    and arrived.delivered_date <= lines.as_of_date
group by all
