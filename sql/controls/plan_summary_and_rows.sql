-- why: the total shown to management is not the sum of what its account managers see
-- needs: sales_plan, actual_sales
-- A level with a row that lacks a rate has no amount; it is left out on both sides.
WITH added_up AS (
    SELECT period_month, plan_version, 'total' AS level, NULL AS account_id, complete_sum(variance_amount, true) AS amount
    FROM build.sales_plan_variance
    GROUP BY period_month, plan_version
    UNION ALL
    SELECT period_month, plan_version, 'account', account_id, complete_sum(variance_amount, true)
    FROM build.sales_plan_variance
    WHERE account_id IS NOT NULL
    GROUP BY period_month, plan_version, account_id
),

sides AS (
    SELECT period_month, plan_version, level, account_id, variance_amount AS left_amount, 0 AS right_amount
    FROM build.sales_plan_summary
    WHERE level IN ('total', 'account')
    UNION ALL
    SELECT period_month, plan_version, level, account_id, 0, amount
    FROM added_up
)

SELECT
    period_month,
    CASE level WHEN 'total' THEN 'plan summary, total' ELSE 'plan summary by account' END
    || ' = plan rows, plan ' || plan_version AS control,
    '' AS currency,
    coalesce('account ' || account_id, level) AS item,
    left_amount,
    right_amount
FROM sides
