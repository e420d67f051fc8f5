-- grain: basis × document × line
-- why: what was sold, once as invoiced and once as ordered; every figure on actual sales starts here
-- materialise: view
WITH lines AS (
    SELECT
        'invoiced' AS basis,
        invoice_id AS document_id,
        line_no,
        invoice_date AS sale_date,
        account_id,
        product_id,
        account_manager,
        NULL AS region,
        currency,
        CASE WHEN document_type = 'credit_note' THEN -quantity ELSE quantity END AS quantity,
        CASE WHEN document_type = 'credit_note' THEN -net_amount ELSE net_amount END AS amount_doc
    FROM core.invoices
    UNION ALL
    SELECT
        'ordered',
        order_id,
        line_no,
        order_date,
        account_id,
        product_id,
        account_manager,
        region,
        currency,
        quantity,
        -- An order line without a price has no amount yet; its quantity counts.
        coalesce(quantity::DECIMAL(28, 4) * unit_price, 0)::DECIMAL(18, 4)
    FROM core.orders
    WHERE status IS DISTINCT FROM 'cancelled'
)

SELECT
    lines.basis,
    lines.document_id,
    lines.line_no,
    lines.sale_date,
    days.period_month,
    lines.account_id,
    lines.product_id,
    coalesce(products.product_line, 'unknown') AS product_line,
    coalesce(lines.account_manager, accounts.account_manager, 'unknown') AS account_manager,
    coalesce(lines.region, accounts.region, 'unknown') AS region,
    lines.currency,
    lines.quantity,
    lines.amount_doc
FROM lines
JOIN core.days AS days ON days.calendar_date = lines.sale_date
LEFT JOIN core.accounts AS accounts ON accounts.account_id = lines.account_id
LEFT JOIN core.products AS products ON products.product_id = lines.product_id
