-- fmt: off
-- invariant: A plan version that plans any month of a fiscal year plans all its months.
-- finding: {n} plan (version lacks|versions lack) months of a fiscal year
-- if it fails: the plan for the year and the year to date is too low, and sales of the months without a plan count as a
--   surplus; add the months, with 0 where nothing is planned, and close again.
-- severity: warning
-- owner: Sales controlling
-- keys: plan_version, fiscal_year, planned_months, missing_months
-- fmt: on
with
    planned as (
        select distinct sales_plan.plan_version, months.fiscal_year, months.period_month
        from core.plan_rows as sales_plan
        join core.months as months on months.period_month = sales_plan.month
        semi join build.periods as periods on periods.fiscal_year = months.fiscal_year
    ),

    versions as (
        select plan_version, fiscal_year, count(*) as planned_months from planned group by plan_version, fiscal_year
    ),

    missing as (
        select
            versions.plan_version,
            versions.fiscal_year,
            versions.planned_months,
            string_agg(strftime(months.period_month, '%Y-%m'), ', ' order by months.period_month) as missing_months
        from versions
        join core.months as months on months.fiscal_year = versions.fiscal_year
        anti join planned on planned.plan_version = versions.plan_version and planned.period_month = months.period_month
        group by all
    )

select periods.period_month, missing.*
from missing
join build.periods as periods on periods.fiscal_year = missing.fiscal_year
