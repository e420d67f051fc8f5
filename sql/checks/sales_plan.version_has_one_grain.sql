-- invariant: All rows of a plan version fill the same grain columns.
-- if it fails: sales would be compared with the plan of an account and of its products at once, and count twice;
--   split the plan into one version for each grain and close again.
-- severity: critical
-- owner: Sales controlling
-- keys: plan_version, grains
WITH grains AS (
    SELECT
        plan_version,
        month,
        concat_ws(
            ' × ',
            CASE WHEN account_id IS NOT NULL THEN 'account_id' END,
            CASE WHEN product_id IS NOT NULL THEN 'product_id' END,
            CASE WHEN product_line IS NOT NULL THEN 'product_line' END,
            CASE WHEN account_manager IS NOT NULL THEN 'account_manager' END,
            CASE WHEN region IS NOT NULL THEN 'region' END
        ) AS grain
    FROM core.sales_plan
),

mixed AS (
    SELECT plan_version, string_agg(DISTINCT grain, ' and ' ORDER BY grain) AS grains
    FROM grains
    GROUP BY plan_version
    HAVING count(DISTINCT grain) > 1
)

SELECT DISTINCT grains.month AS period_month, mixed.plan_version, mixed.grains
FROM mixed
JOIN grains ON grains.plan_version = mixed.plan_version
SEMI JOIN build.periods AS periods ON periods.period_month = grains.month
