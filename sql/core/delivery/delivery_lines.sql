-- fmt: off
-- grain: delivery line against a known order line
-- why: one list of what reached which account, whether the source keeps deliveries or one delivery per line in its orders; where a line
--      has both, the deliveries count, so that nothing is counted twice. A delivery of an unknown order line has no
--      account: the checks report it
-- materialise: view
-- lines: core.deliveries by delivery_id = document_id, line_no = document_line_no;
--   core.orders by order_id, line_no where figure.document_id = figure.order_id
-- columns:
--   account_id         VARCHAR
--   order_id           VARCHAR
--   line_no            INTEGER
--   delivered_date     DATE
--   quantity           DECIMAL(18,4)
--   rejected_quantity  DECIMAL(18,4)
--   product_id         VARCHAR
--   document_id        VARCHAR
--   document_line_no   INTEGER
-- fmt: on
select
    orders.account_id,
    orders.order_id,
    orders.line_no,
    deliveries.delivered_date,
    deliveries.quantity,
    coalesce(deliveries.rejected_quantity, 0) as rejected_quantity,
    orders.product_id,
    deliveries.delivery_id as document_id,
    deliveries.line_no as document_line_no
from core.deliveries as deliveries
join core.orders as orders on orders.order_id = deliveries.order_id and orders.line_no = deliveries.order_line_no
union all
select
    orders.account_id,
    orders.order_id,
    orders.line_no,
    orders.delivered_date,
    -- A date without a quantity means the whole line.
    coalesce(orders.delivered_quantity, orders.quantity) as quantity,
    coalesce(orders.rejected_quantity, 0) as rejected_quantity,
    orders.product_id,
    orders.order_id,
    orders.line_no
from core.orders as orders
anti join
    core.deliveries as deliveries on deliveries.order_id = orders.order_id and deliveries.order_line_no = orders.line_no
where orders.delivered_date is not null
