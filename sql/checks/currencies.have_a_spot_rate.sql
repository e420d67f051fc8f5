-- fmt: off
-- invariant: Every currency in use has a spot rate by the month end.
-- finding: {n} (currency has|currencies have) no spot rate by the end of {month}
-- if it fails: balances are valued at the latest average rate instead; load a spot rate for the currency and close
--   again.
-- severity: warning
-- owner: Treasury
-- keys: currency, closing_rate
-- fmt: on
with
    uses as (
        select currency, min(invoice_date) as first_date
        from core.invoices
        group by currency
        union all
        select currency, min(payment_date)
        from core.payments
        group by currency
        union all
        select currency, min(order_date)
        from core.orders
        group by currency
    )

select distinct month_rates.period_month, month_rates.currency, month_rates.closing_rate
from core.month_rates as month_rates
join build.periods as periods on periods.period_month = month_rates.period_month
join uses on uses.currency = month_rates.currency and uses.first_date <= periods.as_of_date
where month_rates.closing_rate_source = 'average'
