-- grain: delivery line against a known order line
-- why: one list of what reached whom, whether the source keeps deliveries or one delivery a line in its orders; where a line
--      has both, the deliveries count, so that nothing is counted twice. A delivery of an unknown order line has no
--      account: the checks report it
-- materialise: view
SELECT
    orders.account_id,
    orders.order_id,
    orders.line_no,
    deliveries.delivered_date,
    deliveries.quantity,
    coalesce(deliveries.rejected_quantity, 0) AS rejected_quantity
FROM core.deliveries AS deliveries
JOIN core.orders AS orders
  ON orders.order_id = deliveries.order_id AND orders.line_no = deliveries.order_line_no
UNION ALL
SELECT
    orders.account_id,
    orders.order_id,
    orders.line_no,
    orders.delivered_date,
    -- A date without a quantity means the whole line.
    coalesce(orders.delivered_quantity, orders.quantity) AS quantity,
    coalesce(orders.rejected_quantity, 0) AS rejected_quantity
FROM core.orders AS orders
ANTI JOIN core.deliveries AS deliveries
  ON deliveries.order_id = orders.order_id AND deliveries.order_line_no = orders.line_no
WHERE orders.delivered_date IS NOT NULL
