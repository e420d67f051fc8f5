-- why: deliveries of the month are missing from the parts per million, or count twice
-- needs: orders|issues
-- A delivery of an unknown order line has no account.
WITH delivered AS (
    SELECT days.period_month, deliveries.order_id, deliveries.order_line_no AS line_no, sum(deliveries.quantity) AS quantity
    FROM core.deliveries AS deliveries
    JOIN core.days AS days ON days.calendar_date = deliveries.delivered_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
    GROUP BY ALL
),

-- Sources with one delivery a line keep it in the order; where deliveries are given, those count.
in_orders AS (
    SELECT days.period_month, orders.account_id, coalesce(orders.delivered_quantity, orders.quantity) AS quantity
    FROM core.orders AS orders
    JOIN core.days AS days ON days.calendar_date = orders.delivered_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
    WHERE (orders.order_id, orders.line_no) NOT IN (SELECT (order_id, order_line_no) FROM core.deliveries)
),

sides AS (
    SELECT
        delivered.period_month,
        orders.account_id,
        delivered.quantity AS left_amount,
        CASE WHEN orders.order_id IS NULL THEN delivered.quantity ELSE 0 END AS right_amount
    FROM delivered
    LEFT JOIN core.orders AS orders USING (order_id, line_no)
    UNION ALL
    SELECT period_month, account_id, quantity, 0 FROM in_orders
    UNION ALL
    SELECT period_month, account_id, 0, delivered_quantity FROM build.quality_performance
)

SELECT
    period_month,
    'deliveries of the month = quality performance + unknown order lines' AS control,
    'units' AS currency,
    coalesce('account ' || account_id, 'unknown order lines') AS item,
    left_amount,
    right_amount
FROM sides
