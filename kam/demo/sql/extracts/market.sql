-- What key accounts, and one tyre dealer, buy of each product line from all suppliers. The dealer buys a tenth more every year, and less and less
-- of it from us. A panel of the trade estimates it, too, and an association what each region buys.
WITH bought AS (
    SELECT
        account_no, account_id, role, region, key_account, items.currency, items.product_line, demand.month,
        sum(demand.quantity)::BIGINT AS our_quantity,
        sum(demand.quantity * demand.unit_price)::BIGINT AS our_amount,
        -- What the dealer would take of us without its story.
        sum(base_quantity * season_permille // 1000)::BIGINT AS usual_quantity,
        sum(base_quantity * season_permille // 1000 * base_price)::BIGINT AS usual_amount,
        any_value(1000 + 100 * datediff('month', getvariable('first_month'), demand.month) // 12) AS market_permille
    FROM demand
    JOIN items USING (account_no, product_no)
    JOIN accounts USING (account_no, account_id, role)
    JOIN months USING (month)
    WHERE demand.month <= getvariable('last_month')
    GROUP BY account_no, account_id, role, region, key_account, items.currency, items.product_line, demand.month
), sized AS (
    SELECT
        *,
        20 + (account_no * 7 + length(product_line) * 5) % 15 AS percent,
        roll('market|' || account_no || '|' || product_line || '|' || month) AS market_roll,
        CASE WHEN role = 10 THEN usual_quantity * market_permille // 1000 ELSE our_quantity END AS base_quantity,
        CASE WHEN role = 10 THEN usual_amount * market_permille // 1000 ELSE our_amount END AS base_amount
    FROM bought
), totals AS (
    SELECT
        *,
        base_quantity * (9_900 + die(market_roll, 1) // 5) // (100 * percent) AS total_quantity,
        1000 * (1 + base_amount * (9_900 + die(market_roll, 1) // 5) // (100_000 * percent)) AS total_amount
    FROM sized
)
SELECT
    month, account_id, NULL AS region, product_line, total_quantity, total_amount, currency,
    CASE WHEN role = 10 THEN 'Dealer panel' ELSE 'Purchasing report of the customer' END AS source,
    false AS is_estimate
FROM totals
WHERE role = 10 OR key_account
UNION ALL BY NAME
SELECT month, account_id, product_line, total_amount * 11 // 10 AS total_amount, currency, 'Analysts' AS source, true AS is_estimate
FROM totals
WHERE role = 10
UNION ALL BY NAME
SELECT
    month, region, product_line,
    10_000 * (1 + sum(total_amount / coalesce(units_per_euro, 1.00))::BIGINT * 2 // 10_000) AS total_amount,
    'EUR' AS currency, 'Association of suppliers' AS source, true AS is_estimate
FROM totals LEFT JOIN currencies USING (currency)
GROUP BY month, region, product_line
ORDER BY month, account_id, region, product_line, source
