-- why: sales are not what was invoiced or ordered; a master record or a day of the calendar lost or doubled lines
-- needs: invoices|orders
-- Sales are compared on the bases that a table reads: as invoiced, as ordered, or both.
WITH bases AS (
    SELECT unnest([actual, forecast_actual]) AS basis FROM build.settings
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
    WHERE 'invoiced' IN (FROM bases)
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
    WHERE 'ordered' IN (FROM bases)
    GROUP BY ALL
    UNION ALL
    SELECT
        period_month,
        CASE basis
            WHEN 'invoiced' THEN 'invoice lines of the month = sales'
            ELSE 'order lines of the month = sales + cancelled'
        END,
        currency,
        account_id,
        0,
        sum(amount_doc)
    FROM core.sales
    SEMI JOIN bases USING (basis)
    GROUP BY ALL
)

SELECT period_month, control, currency, 'account ' || account_id AS item, left_amount, right_amount
FROM sides
SEMI JOIN build.periods USING (period_month)
