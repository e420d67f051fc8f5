-- fmt: off
-- grain: plan version × business month
-- why: a version is compared in the fiscal years it plans anything in, from their first month for the year to date;
--   elsewhere it would list every sale as new
-- columns:
--   plan_version      VARCHAR
--   period_month      DATE
--   prior_year_month  DATE
--   fiscal_year       INTEGER
--   month_index       INTEGER
--   is_built          BOOLEAN
-- fmt: on
with
    built as (select fiscal_year, max(month_index) as last_month_index from build.periods group by fiscal_year),

    planned as (
        select distinct sales_plan.plan_version, months.fiscal_year
        from core.plan_rows as sales_plan
        join core.months as months on months.period_month = sales_plan.month
    )

select
    planned.plan_version,
    months.period_month,
    (months.period_month - interval 12 month)::date as prior_year_month,
    months.fiscal_year,
    months.month_index,
    periods.period_month is not null as is_built
from planned
join built using (fiscal_year)
join core.months as months on months.fiscal_year = planned.fiscal_year and months.month_index <= built.last_month_index
left join build.periods as periods on periods.period_month = months.period_month
