WITH planned AS (
    SELECT
        demand.*, account_id, product_id, account_manager, accounts.currency, rate AS fx_rate,
        year(year_start + INTERVAL 11 MONTH) AS fiscal_year
    FROM demand
    JOIN accounts USING (account_no)
    JOIN products USING (product_no)
    LEFT JOIN budget_rates USING (currency, year_start)
    WHERE plan_quantity > 0 AND year_start <= getvariable('last_month')
)
SELECT
    'AOP FY' || fiscal_year AS plan_version, month, account_id, product_id, NULL AS account_manager,
    plan_quantity AS quantity, plan_price AS unit_price, NULL::DECIMAL(18, 2) AS amount, currency, fx_rate,
    -- the plan of the first year came late
    (year_start + CASE WHEN getvariable('first_month') >= year_start THEN 12 ELSE -16 END)
        + INTERVAL 16 HOUR AS submitted_at
FROM planned
UNION ALL BY NAME
-- targets of the managers: by manager and month, amounts only
SELECT
    'Targets FY' || fiscal_year AS plan_version, month, account_manager,
    round(sum(plan_quantity * plan_price * coalesce(fx_rate, 1.00)) * 1.05, -2)::DECIMAL(18, 2) AS amount,
    'EUR' AS currency, year_start::TIMESTAMP + INTERVAL 34 HOUR AS submitted_at
FROM planned
WHERE year_start = fiscal_year_start(getvariable('last_month'))
GROUP BY fiscal_year, year_start, month, account_manager
ORDER BY plan_version, month, account_id, product_id, account_manager
