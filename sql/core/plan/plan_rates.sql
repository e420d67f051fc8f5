-- fmt: off
-- grain: plan version × business month × currency
-- why: plan_rate is r0 and average_rate r1 of the bridge; a line's own fx_rate comes before it. Months to come have their version's rate,
--   too, for the outlook
-- columns:
--   plan_version  VARCHAR
--   period_month  DATE
--   currency      VARCHAR
--   plan_rate     DECIMAL(18,10)
--   average_rate  DECIMAL(18,10)
--   version_rate  DECIMAL(18,10)
--   budget_rate   DECIMAL(18,10)
-- fmt: on
with
    rates_used as (
        select plan_version, month as period_month, currency, fx_rate, count(*) as line_count
        from core.plan_rows
        where fx_rate is not null
        group by plan_version, month, currency, fx_rate
    ),

    -- Lines of one version, month and currency should agree on a rate. Where not, most lines win, then the lower
    -- rate.
    version_rates as (
        select plan_version, period_month, currency, first(fx_rate order by line_count desc, fx_rate) as fx_rate
        from rates_used
        group by plan_version, period_month, currency
    ),

    budget_rates as (select currency, rate_date, rate from core.fx_rates where rate_type = 'budget'),

    currencies as (
        select currency
        from core.month_rates
        union
        select currency
        from version_rates
        union
        select currency
        from budget_rates
    ),

    wanted_months as (
        select plan_version, period_month
        from core.plan_months
        union
        select sales_plan.plan_version, sales_plan.month
        from core.plan_rows as sales_plan
        join core.months as months on months.period_month = sales_plan.month
        where
            months.fiscal_year > (select min(fiscal_year) - 1 from build.periods)
            and months.fiscal_year < (select max(fiscal_year) + 3 from build.periods)
    ),

    wanted as (
        select wanted_months.plan_version, months.period_month, months.as_of_date, currencies.currency
        from wanted_months
        join core.months as months using (period_month)
        cross join currencies
    )

select
    wanted.plan_version,
    wanted.period_month,
    wanted.currency,
    case
        when wanted.currency = settings.reporting_currency
        then 1
        else coalesce(version_rates.fx_rate, budget_rates.rate, month_rates.average_rate)
    end::decimal(18, 10) as plan_rate,
    month_rates.average_rate,
    case when wanted.currency = settings.reporting_currency then 1 else version_rates.fx_rate end::decimal(
        18, 10
    ) as version_rate,
    budget_rates.rate::decimal(18, 10) as budget_rate
from wanted
cross join build.settings as settings
left join version_rates using (plan_version, period_month, currency)
left join
    core.month_rates as month_rates
    on month_rates.period_month = wanted.period_month
    and month_rates.currency = wanted.currency
asof left join budget_rates on budget_rates.currency = wanted.currency and budget_rates.rate_date <= wanted.as_of_date
