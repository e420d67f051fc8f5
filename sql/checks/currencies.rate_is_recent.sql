-- fmt: off
-- invariant: The rate at the month end of every currency in use is of one of the last 45 days.
-- finding: The rate of {n} (currency|currencies) at the end of {month} is older than {threshold} days
-- if it fails: balances are valued at an old rate; load a spot rate for the currency and close again.
-- severity: warning
-- owner: Treasury
-- keys: currency, rate_date, closing_rate, used_in
-- threshold: 45 (days that the rate of a currency may be older than the month end)
-- fmt: on
with
    uses as (
        select feed, currency, first_date
        from core.feed_currencies
        -- Standard costs are no balance; plans have rates of their own.
        where feed not in ('products', 'standard_costs', 'sales_plan')
    ),

    used as (
        select
            periods.period_month,
            periods.as_of_date,
            uses.currency,
            string_agg(uses.feed, ', ' order by uses.feed) as used_in
        from uses
        join build.periods as periods on uses.first_date is null or uses.first_date <= periods.as_of_date
        where uses.currency is not null
        group by periods.period_month, periods.as_of_date, uses.currency
    )

select
    used.period_month,
    used.currency,
    max(rates.rate_date) as rate_date,
    min(month_rates.closing_rate) as closing_rate,
    used.used_in
from used
join
    core.month_rates as month_rates
    on month_rates.period_month = used.period_month
    and month_rates.currency = used.currency
join
    core.fx_rates as rates
    on rates.currency = used.currency
    and rates.rate_type = month_rates.closing_rate_source
    and rates.rate_date <= used.as_of_date
group by used.period_month, used.as_of_date, used.currency, used.used_in
having used.as_of_date - max(rates.rate_date) > threshold('currencies.rate_is_recent')
