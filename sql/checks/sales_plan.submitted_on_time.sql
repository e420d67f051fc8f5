-- fmt: off
-- invariant: Every plan version that has a due date in the settings was submitted by it.
-- finding: {n} plan (version was|versions were) submitted late or not at all
-- if it fails: the plan may have been written after the first results of the year were known; say so when it is used
--   as a target. No figure changes.
-- severity: info
-- owner: Sales controlling
-- keys: plan_version, due_date, submitted_at
-- fmt: on
with
    versions as (
        select sales_plan.plan_version, plan_due.due_date, max(sales_plan.submitted_at) as submitted_at
        from core.plan_rows as sales_plan
        join build.plan_due as plan_due on plan_due.plan_version = sales_plan.plan_version
        group by all
    ),

    years as (
        select distinct sales_plan.plan_version, months.fiscal_year
        from core.plan_rows as sales_plan
        join core.months as months on months.period_month = sales_plan.month
    )

-- In each month of a year that the version plans anything of, as it is compared there.
select periods.period_month, versions.*
from versions
join years on years.plan_version = versions.plan_version
join build.periods as periods on periods.fiscal_year = years.fiscal_year
where versions.submitted_at is null or versions.submitted_at::date > versions.due_date
