-- fmt: off
-- grain: business month × currency
-- why: closing rates value what is owed, average rates what was sold
-- columns:
--   period_month         DATE
--   currency             VARCHAR
--   closing_rate         DECIMAL(18,10)
--   closing_rate_source  VARCHAR
--   average_rate         DECIMAL(18,10)
-- fmt: on
with
    rates as (
        select fx_rates.currency, fx_rates.rate_type, fx_rates.rate_date, fx_rates.rate, days.period_month
        from core.fx_rates as fx_rates
        join core.days as days on days.calendar_date = fx_rates.rate_date
    ),

    closing as (
        select months.period_month, daily.currency, daily.rate, daily.rate_source
        from core.months as months
        join core.daily_rates as daily on daily.rate_date = months.as_of_date
    ),

    -- An average rate is dated anywhere in its month; the latest one given counts.
    given_average as (
        select period_month, currency, arg_max(rate, rate_date) as rate
        from rates
        where rate_type = 'average'
        group by period_month, currency
    ),

    mean_of_spot as (
        select period_month, currency, (sum(rate)::decimal(38, 10)::double / count(*))::decimal(18, 10) as rate
        from rates
        where rate_type = 'spot'
        group by period_month, currency
    ),

    before_month as (
        select months.period_month, daily.currency, daily.rate
        from core.months as months
        join core.daily_rates as daily on daily.rate_date = months.start_date
    )

select
    closing.period_month,
    closing.currency,
    closing.rate as closing_rate,
    closing.rate_source as closing_rate_source,
    case
        when closing.rate_source = 'reporting'
        then 1
        else coalesce(given_average.rate, mean_of_spot.rate, before_month.rate, closing.rate)
    end::decimal(18, 10) as average_rate
from closing
left join given_average using (period_month, currency)
left join mean_of_spot using (period_month, currency)
left join before_month using (period_month, currency)
