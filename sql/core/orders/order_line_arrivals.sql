-- fmt: off
-- grain: order line at hand × day on which something arrived
-- why: what had arrived of a line by any day, split deliveries together
-- columns:
--   order_id        VARCHAR
--   line_no         INTEGER
--   delivered_date  DATE
--   quantity        DECIMAL(38,4)
--   total_quantity  DECIMAL(38,4)
-- fmt: on
with
    deliveries as (
        select deliveries.order_id, deliveries.order_line_no as line_no, deliveries.delivered_date, deliveries.quantity
        from core.deliveries as deliveries
        semi join
            core.order_lines_at_hand as lines
            on lines.order_id = deliveries.order_id
            and lines.line_no = deliveries.order_line_no
        union all
        select order_id, line_no, own_delivered_date, own_quantity
        from core.order_lines_at_hand
        where own_delivered_date is not null
    ),

    days as (
        select order_id, line_no, delivered_date, sum(quantity) as quantity
        from deliveries
        group by order_id, line_no, delivered_date
    )

select
    order_id,
    line_no,
    delivered_date,
    quantity,
    sum(quantity) over (partition by order_id, line_no order by delivered_date rows unbounded preceding)::decimal(
        38, 4
    ) as total_quantity
from days
