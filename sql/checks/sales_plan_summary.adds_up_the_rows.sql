-- invariant: Every level of the plan summary adds up the rows of the plan variance.
-- if it fails: the total shown to management is not the sum of what its account managers see; the summary's model
--   lost or doubled rows.
-- severity: critical
-- owner: Data engineering
-- keys: plan_version, level, summary_plan_amount, rows_plan_amount, summary_actual_amount, rows_actual_amount
WITH plan_rows AS (
    SELECT
        period_month,
        plan_version,
        complete_sum(plan_amount, true) AS plan_amount,
        complete_sum(actual_amount, true) AS actual_amount,
        complete_sum(variance_amount, true) AS variance_amount,
        complete_sum(ytd_variance_amount, true) AS ytd_variance_amount
    FROM build.sales_plan_variance
    GROUP BY period_month, plan_version
),

levels AS (
    SELECT
        period_month,
        plan_version,
        level,
        complete_sum(plan_amount, true) AS plan_amount,
        complete_sum(actual_amount, true) AS actual_amount,
        complete_sum(variance_amount, true) AS variance_amount,
        complete_sum(ytd_variance_amount, true) AS ytd_variance_amount
    FROM build.sales_plan_summary
    GROUP BY period_month, plan_version, level
),

-- Every version has at least its total.
expected AS (
    SELECT DISTINCT period_month, plan_version, level FROM levels
    UNION
    SELECT period_month, plan_version, 'total' FROM plan_rows
)

SELECT
    period_month,
    plan_version,
    level,
    levels.plan_amount AS summary_plan_amount,
    plan_rows.plan_amount AS rows_plan_amount,
    levels.actual_amount AS summary_actual_amount,
    plan_rows.actual_amount AS rows_actual_amount
FROM expected
LEFT JOIN levels USING (period_month, plan_version, level)
LEFT JOIN plan_rows USING (period_month, plan_version)
WHERE levels.plan_amount IS DISTINCT FROM plan_rows.plan_amount
   OR levels.actual_amount IS DISTINCT FROM plan_rows.actual_amount
   OR levels.variance_amount IS DISTINCT FROM plan_rows.variance_amount
   OR levels.ytd_variance_amount IS DISTINCT FROM plan_rows.ytd_variance_amount
