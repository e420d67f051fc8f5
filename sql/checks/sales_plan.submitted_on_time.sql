-- invariant: Every plan version that has a due date in the settings was submitted by it.
-- if it fails: the plan may have been written with the year's first results in sight; say so when it is used as a
--   target. No figure changes.
-- severity: info
-- owner: Sales controlling
-- keys: plan_version, due_date, submitted_at
WITH versions AS (
    SELECT sales_plan.plan_version, plan_due.due_date, max(sales_plan.submitted_at) AS submitted_at
    FROM core.sales_plan AS sales_plan
    JOIN build.plan_due AS plan_due ON plan_due.plan_version = sales_plan.plan_version
    GROUP BY ALL
),

years AS (
    SELECT DISTINCT sales_plan.plan_version, months.fiscal_year
    FROM core.sales_plan AS sales_plan
    JOIN core.months AS months ON months.period_month = sales_plan.month
)

-- In each month of a year that the version plans anything of, as it is compared there.
SELECT periods.period_month, versions.*
FROM versions
JOIN years ON years.plan_version = versions.plan_version
JOIN build.periods AS periods ON periods.fiscal_year = years.fiscal_year
WHERE versions.submitted_at IS NULL OR versions.submitted_at::DATE > versions.due_date
