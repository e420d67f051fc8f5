-- Sales of each account and manager, a little above the plan; delivery, quality and collection of all, and of the key accounts.
WITH planned AS (
    SELECT month, account_id, account_manager, plan_quantity * plan_price * coalesce(fx_rate, 1.00) AS amount
    FROM (
        SELECT demand.*, account_id, account_manager, rate AS fx_rate
        FROM demand
        JOIN accounts USING (account_no)
        LEFT JOIN budget_rates USING (currency, year_start)
    )
    WHERE plan_quantity > 0 AND month <= getvariable('last_month')
), sales AS (
    SELECT month, account_id, NULL AS account_manager, round(sum(amount) * 1.02, -2) AS target
    FROM planned GROUP BY month, account_id
    UNION ALL
    SELECT month, NULL, account_manager, round(sum(amount) * 1.02, -2) FROM planned GROUP BY month, account_manager
), service AS (
    FROM (VALUES ('delivery_performance.otif_ratio', 0.95), ('quality_performance.ppm', 400.0),
        ('receivables_kpis_by_account.overdue_ratio', 0.15)) AS t(measure, target)
), levels AS (
    SELECT account_id FROM accounts WHERE key_account
    UNION ALL
    SELECT NULL
)
SELECT month, 'sales.net_amount' AS measure, account_id, account_manager, target::DECIMAL(18, 4) AS target FROM sales
UNION ALL
SELECT months.month, measure, account_id, NULL, target
FROM service CROSS JOIN levels CROSS JOIN months
WHERE months.month <= getvariable('last_month')
ORDER BY month, measure, account_id, account_manager
