-- fmt: off
-- grain: month built × built-in plan version × month of sales of the comparison
-- why: the two months of a comparison without a plan: the month built, and the month before or the same month a year before
-- columns:
--   period_month  DATE
--   plan_version  VARCHAR
--   plan_month    DATE
--   sales_month   DATE
--   is_base       BOOLEAN
-- fmt: on
with
    bases as (
        select
            period_month,
            case when is_prior_year then 'prior year' else 'prior month' end as plan_version,
            sales_month as plan_month
        from core.sales_windows
        where is_prior_year or is_prior_month
    )

select period_month, plan_version, plan_month, plan_month as sales_month, true as is_base
from bases
union all
select period_month, plan_version, plan_month, period_month, false
from bases
