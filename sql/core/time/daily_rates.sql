-- fmt: off
-- grain: currency × day
-- why: the rate of any day by equality: the latest spot rate by then, else the latest average rate by then
-- columns:
--   currency     VARCHAR
--   rate_date    DATE
--   rate         DECIMAL(18,10)
--   rate_source  VARCHAR
-- fmt: on
with
    currencies as (
        select distinct currency from core.fx_rates where currency <> (select reporting_currency from build.settings)
    ),

    wanted as (
        select currencies.currency, days.calendar_date as rate_date from core.days as days cross join currencies
    ),

    spot as (select currency, rate_date, rate from core.fx_rates where rate_type = 'spot'),

    average as (select currency, rate_date, rate from core.fx_rates where rate_type = 'average'),

    found as (
        select wanted.currency, wanted.rate_date, spot.rate as spot_rate, average.rate as average_rate
        from wanted
        asof left join spot on spot.currency = wanted.currency and spot.rate_date <= wanted.rate_date
        asof left join average on average.currency = wanted.currency and average.rate_date <= wanted.rate_date
    )

select
    currency,
    rate_date,
    coalesce(spot_rate, average_rate)::decimal(18, 10) as rate,
    case when spot_rate is not null then 'spot' else 'average' end as rate_source
from found
where coalesce(spot_rate, average_rate) is not null
union all
select settings.reporting_currency, days.calendar_date, 1::decimal(18, 10), 'reporting'
from core.days as days
cross join build.settings as settings
