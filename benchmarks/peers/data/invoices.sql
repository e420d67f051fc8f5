SELECT
    'I' || n AS invoice_id,
    line_no,
    'invoice' AS document_type,
    account_id(account) AS account_id,
    product_id(product) AS product_id,
    'O' || n AS order_id,
    line_no AS order_line_no,
    invoice_date,
    due_date,
    delivered_quantity AS quantity,
    net_amount,
    round(net_amount * 0.2, 2)::DECIMAL(18, 2) AS tax_amount,
    currency,
    NULL AS reference_invoice_id
FROM lines
WHERE is_invoiced
UNION ALL
-- Half of the first line comes back.
SELECT
    'C' || n, 1, 'credit_note', account_id(account), product_id(product), 'O' || n, 1, credit_date, NULL,
    delivered_quantity // 2, (delivered_quantity // 2 * price)::DECIMAL(18, 2),
    round(delivered_quantity // 2 * price * 0.2, 2)::DECIMAL(18, 2), currency, 'I' || n
FROM lines
WHERE is_credited AND line_no = 1
UNION ALL
-- Each fifth account gets a rebate at each month end, for no invoice.
SELECT
    'R' || a || '-' || strftime(month, '%Y%m'), 1, 'credit_note', account_id(a), product_id(product_no(a, 0)), NULL, NULL,
    last_day(month::DATE), NULL, NULL, (50 + draw(a, month::DATE::VARCHAR, 100))::DECIMAL(18, 2), 0.00, account_currency(a), NULL
FROM range(0, getvariable('accounts'), 5) AS r(a)
CROSS JOIN generate_series(first_day(), last_day_known(), INTERVAL 1 MONTH) AS m(month)
