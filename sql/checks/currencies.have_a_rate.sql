-- fmt: off
-- invariant: Every currency in use has an exchange rate by the month end.
-- finding: {n} (currency has|currencies have) no exchange rate by the end of {month}
-- if it fails: amounts in the reporting currency are NULL and totals too low; load a rate for the currency and close
--   again.
-- severity: critical
-- owner: Treasury
-- keys: currency, used_in
-- fmt: on
with
    uses as (
        select feed, currency, first_date
        from core.feed_currencies
        -- A margin whose standard cost has no rate is NULL and says so, and a warning names it; it stops nothing else.
        where feed not in ('products', 'standard_costs', 'sales_plan')
        union all
        -- A plan can be valued by a budget rate alone.
        select 'sales_plan', plan.currency, min(plan.month)
        from core.sales_plan as plan
        anti join (from core.fx_rates where rate_type = 'budget') as budget on budget.currency = plan.currency
        where plan.fx_rate is null
        group by plan.currency
    ),

    -- Used once, a currency can be open in any later month.
    used as (
        select periods.period_month, uses.currency, string_agg(uses.feed, ', ' order by uses.feed) as used_in
        from uses
        join build.periods as periods on uses.first_date is null or uses.first_date <= periods.as_of_date
        where uses.currency is not null
        group by periods.period_month, uses.currency
    )

select used.period_month, used.currency, used.used_in
from used
anti join
    core.month_rates as month_rates
    on month_rates.period_month = used.period_month
    and month_rates.currency = used.currency
