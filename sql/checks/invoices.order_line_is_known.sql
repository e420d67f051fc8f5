-- invariant: Every invoice line that names an order names a line that exists.
-- if it fails: no figure changes, but what was ordered and what was invoiced cannot be compared; correct the order
--   number or load the order.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, order_id, order_line_no
-- needs: orders
WITH known AS (
    SELECT order_id, line_no
    FROM core.orders
    SEMI JOIN batch USING (order_id)
),

-- An invoice may name the order without its line.
nameable AS (
    SELECT order_id, line_no FROM known
    UNION ALL
    SELECT DISTINCT order_id, NULL FROM known
)

SELECT batch.*
FROM batch
ANTI JOIN nameable
    ON nameable.order_id = batch.order_id
    AND nameable.line_no IS NOT DISTINCT FROM batch.order_line_no
WHERE batch.order_id IS NOT NULL
