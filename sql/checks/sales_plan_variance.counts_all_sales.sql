-- invariant: Each plan version is compared with all that was sold in the month.
-- if it fails: a sale is lost or counted twice between the documents and the plan's grain, and the variance is wrong;
--   the model's join of sales to the plan is at fault.
-- severity: critical
-- owner: Data engineering
-- keys: plan_version, compared_quantity, sold_quantity
WITH compared AS (
    SELECT period_month, plan_version, coalesce(sum(actual_quantity), 0) AS compared_quantity
    FROM build.sales_plan_variance
    GROUP BY period_month, plan_version
),

sold AS (
    SELECT sales.period_month, coalesce(sum(sales.quantity), 0) AS sold_quantity
    FROM core.sales AS sales
    JOIN build.settings AS settings ON settings.actual = sales.basis
    SEMI JOIN build.periods AS periods ON periods.period_month = sales.period_month
    GROUP BY sales.period_month
)

SELECT
    compared.period_month,
    compared.plan_version,
    compared.compared_quantity,
    coalesce(sold.sold_quantity, 0) AS sold_quantity
FROM compared
LEFT JOIN sold USING (period_month)
WHERE compared.compared_quantity <> coalesce(sold.sold_quantity, 0)
