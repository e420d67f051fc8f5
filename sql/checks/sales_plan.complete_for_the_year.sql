-- invariant: A plan version that plans any month of a fiscal year plans all its months.
-- if it fails: the plan for the year and the year to date is too low, and sales of the months without a plan read as a
--   surplus; add the months, if only with 0, and close again.
-- severity: warning
-- owner: Sales controlling
-- keys: plan_version, fiscal_year, planned_months, missing_months
WITH planned AS (
    SELECT DISTINCT sales_plan.plan_version, months.fiscal_year, months.period_month
    FROM core.sales_plan AS sales_plan
    JOIN core.months AS months ON months.period_month = sales_plan.month
    SEMI JOIN build.periods AS periods ON periods.fiscal_year = months.fiscal_year
),

versions AS (
    SELECT plan_version, fiscal_year, count(*) AS planned_months
    FROM planned
    GROUP BY plan_version, fiscal_year
),

missing AS (
    SELECT
        versions.plan_version,
        versions.fiscal_year,
        versions.planned_months,
        string_agg(strftime(months.period_month, '%Y-%m'), ', ' ORDER BY months.period_month) AS missing_months
    FROM versions
    JOIN core.months AS months ON months.fiscal_year = versions.fiscal_year
    ANTI JOIN planned
        ON planned.plan_version = versions.plan_version
        AND planned.period_month = months.period_month
    GROUP BY ALL
)

SELECT periods.period_month, missing.*
FROM missing
JOIN build.periods AS periods ON periods.fiscal_year = missing.fiscal_year
