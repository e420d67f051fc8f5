-- One invoice in a hundred is never paid, one is written off, five are paid in two parts, four less a discount.
WITH
    owed AS (
        SELECT
            n, account, currency, due_date,
            (sum(net_amount + round(net_amount * 0.2, 2)) - coalesce(sum(
                (delivered_quantity // 2 * price)::DECIMAL(18, 2) + round(delivered_quantity // 2 * price * 0.2, 2)
            ) FILTER (is_credited AND line_no = 1), 0))::DECIMAL(18, 2) AS amount,
            draw(n, 'pay', 100) AS kind,
            CASE WHEN draw(n, 'slow', 50) = 0 THEN 90 ELSE draw(n, 'paid', 30) - 5 END AS days
        FROM lines
        WHERE is_invoiced
        GROUP BY n, account, currency, due_date
    ),

    settled AS (
        SELECT *, 1 AS line_no, due_date + 120 AS payment_date, amount AS paid, 'write_off' AS payment_type FROM owed WHERE kind = 1
        UNION ALL
        SELECT *, 1, due_date + days, round(amount / 2, 2)::DECIMAL(18, 2), 'receipt' FROM owed WHERE kind BETWEEN 2 AND 6
        UNION ALL
        SELECT *, 2, due_date + days + 30, amount - round(amount / 2, 2)::DECIMAL(18, 2), 'receipt' FROM owed WHERE kind BETWEEN 2 AND 6
        UNION ALL
        SELECT *, 1, due_date + days, amount - round(amount * 0.02, 2)::DECIMAL(18, 2), 'receipt' FROM owed WHERE kind BETWEEN 7 AND 10
        UNION ALL
        SELECT *, 2, due_date + days, round(amount * 0.02, 2)::DECIMAL(18, 2), 'discount' FROM owed WHERE kind BETWEEN 7 AND 10
        UNION ALL
        SELECT *, 1, due_date + days, amount, 'receipt' FROM owed WHERE kind > 10
    )

SELECT
    'Y' || n AS payment_id, line_no, account_id(account) AS account_id, 'I' || n AS invoice_id, payment_date, paid AS amount,
    currency, payment_type
FROM settled
WHERE payment_date <= last_day_known()
UNION ALL
-- Each tenth account pays something every month that names no invoice.
SELECT
    'U' || a || '-' || strftime(month, '%Y%m'), 1, account_id(a), NULL, month::DATE + 14,
    (100 + draw(a, month::DATE::VARCHAR || 'u', 900))::DECIMAL(18, 2), account_currency(a), 'receipt'
FROM range(0, getvariable('accounts'), 10) AS r(a)
CROSS JOIN generate_series(first_day(), last_day_known(), INTERVAL 1 MONTH) AS m(month)
