-- What each account is to buy in a year: nine tenths of what it bought on average so far, and one that loses parts to others half
-- as much again; a new contract begins in the last month. Vehicle makers promised a quantity of their newest part, too. We promised each a review of prices, and one of them late.
WITH average AS (
    SELECT account_no, avg(net_amount)::BIGINT AS net_amount FROM sold GROUP BY account_no
), spans AS (
    SELECT
        accounts.*, coalesce(average.net_amount, 0) AS net_amount, format('SC-{:04d}', account_no) AS contract_id,
        CASE WHEN role = 9 THEN getvariable('last_month') ELSE fiscal_year_start(getvariable('last_month')) END AS from_date,
        later_month(from_date, 12) - 1 AS to_date,
        workday(later_month(from_date, 1) + 14) AS due_date
    FROM accounts LEFT JOIN average USING (account_no)
), newest_parts AS (
    FROM items QUALIFY row_number() OVER (PARTITION BY account_no ORDER BY place DESC) = 1
)
SELECT
    format('VOL-{:04d}', account_no) AS commitment_id, contract_id, account_id, 'customer' AS party, NULL AS product_id,
    from_date, to_date, NULL AS quantity,
    1000 * (1 + net_amount * CASE WHEN role = 10 THEN 18 ELSE 11 END // 1000) AS amount,
    currency, NULL AS due_date, NULL AS fulfilled_on, 'Sales of a year' AS title
FROM spans
UNION ALL
SELECT
    format('QTY-{:04d}', account_no), contract_id, account_id, 'customer', product_id,
    from_date, to_date, 10 * base_quantity, NULL, currency, NULL, NULL, 'Quantity of the newest part'
FROM spans JOIN newest_parts USING (account_no, account_id, role, segment, currency)
WHERE segment = 'vehicle maker'
UNION ALL
SELECT
    format('REV-{:04d}', account_no), contract_id, account_id, 'ours', NULL,
    from_date, to_date, NULL, NULL, NULL, due_date,
    CASE WHEN due_date + CASE WHEN role = 6 THEN 40 ELSE -3 END <= getvariable('cutoff')
        THEN workday(due_date + CASE WHEN role = 6 THEN 40 ELSE -3 END) END,
    'Offer the price list of the year'
FROM spans
ORDER BY commitment_id
