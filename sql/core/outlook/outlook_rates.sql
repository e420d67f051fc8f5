-- fmt: off
-- grain: month built × plan version × business month of the fiscal year or the two after that it plans × currency
-- why: what a plan's money is worth where its row names no rate. A month to come has the version's rate, else the latest budget rate at
--   the end of the month built, else the latest one: later ones are not known then
-- columns:
--   period_month  DATE
--   plan_version  VARCHAR
--   target_month  DATE
--   years_ahead   INTEGER
--   is_to_come    BOOLEAN
--   currency      VARCHAR
--   rate          DECIMAL(18,10)
-- fmt: on
select
    periods.period_month,
    rates.plan_version,
    rates.period_month as target_month,
    months.fiscal_year - periods.fiscal_year as years_ahead,
    months.month_index > periods.month_index as is_to_come,
    rates.currency,
    case
        when months.month_index <= periods.month_index
        then rates.plan_rate
        else coalesce(rates.version_rate, rates_at_end.budget_rate, latest.closing_rate)
    end as rate
from core.plan_rates as rates
join core.months as months on months.period_month = rates.period_month
join
    build.periods as periods
    on months.fiscal_year >= periods.fiscal_year
    and months.fiscal_year <= periods.fiscal_year + 2
left join
    core.plan_rates as rates_at_end
    on rates_at_end.plan_version = rates.plan_version
    and rates_at_end.period_month = periods.period_month
    and rates_at_end.currency = rates.currency
left join core.month_rates as latest on latest.period_month = periods.period_month and latest.currency = rates.currency
