-- why: sales are not what was invoiced or ordered; a master record or a day of the calendar lost or doubled lines
-- needs: invoices|orders
-- Each basis is compared where a table reads it. As a scalar the question costs nothing where the answer is no.
WITH bases AS (
    SELECT 'invoiced' IN (actual, forecast_actual) AS is_invoiced, 'ordered' IN (actual, forecast_actual) AS is_ordered
    FROM build.settings
),

sides AS (
    SELECT
        days.period_month,
        'invoice lines of the month = sales' AS control,
        invoices.currency,
        invoices.account_id,
        sum(CASE WHEN document_type = 'credit_note' THEN -net_amount ELSE net_amount END) AS left_amount,
        0 AS right_amount
    FROM core.invoices AS invoices
    JOIN core.days AS days ON days.calendar_date = invoices.invoice_date
    WHERE (SELECT is_invoiced FROM bases)
    GROUP BY ALL
    UNION ALL
    SELECT period_month, 'invoice lines of the month = sales', currency, account_id, 0, sum(amount_doc)
    FROM core.sales
    WHERE basis = 'invoiced' AND (SELECT is_invoiced FROM bases)
    GROUP BY ALL
    UNION ALL
    SELECT
        days.period_month,
        'order lines of the month = sales + cancelled',
        orders.currency,
        orders.account_id,
        sum((quantity::DECIMAL(28, 4) * unit_price)::DECIMAL(18, 4)),
        coalesce(sum((quantity::DECIMAL(28, 4) * unit_price)::DECIMAL(18, 4)) FILTER (WHERE status = 'cancelled'), 0)
    FROM core.orders AS orders
    JOIN core.days AS days ON days.calendar_date = orders.order_date
    WHERE (SELECT is_ordered FROM bases)
    GROUP BY ALL
    UNION ALL
    SELECT period_month, 'order lines of the month = sales + cancelled', currency, account_id, 0, sum(amount_doc)
    FROM core.sales
    WHERE basis = 'ordered' AND (SELECT is_ordered FROM bases)
    GROUP BY ALL
)

SELECT period_month, control, currency, 'account ' || account_id AS item, left_amount, right_amount
FROM sides
SEMI JOIN build.periods USING (period_month)
