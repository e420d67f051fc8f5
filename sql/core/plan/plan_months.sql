-- grain: plan version × business month
-- why: a version is compared in the fiscal years it plans anything in, from their first month for the year to date;
--   elsewhere it would list every sale as new
WITH built AS (
    SELECT fiscal_year, max(month_index) AS last_month_index
    FROM build.periods
    GROUP BY fiscal_year
),

planned AS (
    SELECT DISTINCT sales_plan.plan_version, months.fiscal_year
    FROM core.sales_plan AS sales_plan
    JOIN core.months AS months ON months.period_month = sales_plan.month
)

SELECT
    planned.plan_version,
    months.period_month,
    (months.period_month - INTERVAL 12 MONTH)::DATE AS prior_year_month,
    months.fiscal_year,
    months.month_index,
    periods.period_month IS NOT NULL AS is_built
FROM planned
JOIN built USING (fiscal_year)
JOIN core.months AS months ON months.fiscal_year = planned.fiscal_year AND months.month_index <= built.last_month_index
LEFT JOIN build.periods AS periods ON periods.period_month = months.period_month
