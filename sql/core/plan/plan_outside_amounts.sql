-- fmt: off
-- grain: plan version × month built with sales outside the plan
-- why: how much a plan for part of the business leaves out, so that nobody takes its sales for all
-- columns:
--   plan_version    VARCHAR
--   period_month    DATE
--   outside_amount  DECIMAL(32,2)
--   outside_reason  VARCHAR
-- fmt: on
select
    months.plan_version,
    months.period_month,
    round(complete_sum((sales.quantity_amount_doc + sales.other_amount_doc) * rates.average_rate, true), 2)::decimal(
        32, 2
    ) as outside_amount,
    no_rate(min(sales.currency) filter (rates.average_rate is null)) as outside_reason
from core.plan_outside as outside
join core.plan_versions as versions using (plan_version)
join
    core.plan_months as months
    on months.plan_version = outside.plan_version
    and months.fiscal_year = outside.fiscal_year
    and months.is_built
join
    core.plan_sales as sales
    on sales.plan_grain = versions.plan_grain
    and sales.item = outside.item
    and sales.period_month = months.period_month
left join
    core.plan_rates as rates
    on rates.plan_version = months.plan_version
    and rates.period_month = months.period_month
    and rates.currency = sales.currency
group by months.plan_version, months.period_month
