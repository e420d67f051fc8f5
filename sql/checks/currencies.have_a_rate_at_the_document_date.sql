-- fmt: off
-- invariant: Every document has a rate of its currency at its date.
-- if it fails: billing, receipts and what is derived from them leave the amount out, and the year to date of the plan variance is
--   empty; load a rate of that day or earlier and close again.
-- severity: warning
-- owner: Treasury
-- keys: feed, document_id, document_date, currency, amount_doc
-- fmt: on
with
    documents as (
        select
            'invoices' as feed,
            invoice_id as document_id,
            min(invoice_date) as document_date,
            min(currency) as currency,
            sum(net_amount + tax_amount) as amount_doc
        from core.invoices
        group by invoice_id
        union all
        select 'payments', payment_id, min(payment_date), min(currency), sum(amount)
        from core.payments
        where currency is not null
        group by payment_id
    )

select periods.period_month, documents.*
from documents
join core.days as days on days.calendar_date = documents.document_date
cross join build.settings as settings
-- As far back as a figure of the month looks.
join
    build.periods as periods
    on days.period_month <= periods.period_month
    and days.period_month
    >= least(periods.fiscal_year_first_month, periods.period_month - to_months(settings.dso_window_months - 1))
anti join core.daily_rates as rates on rates.currency = documents.currency and rates.rate_date = documents.document_date
-- A currency without any rate by the month end stops the month.
semi join
    core.month_rates as month_rates
    on month_rates.period_month = periods.period_month
    and month_rates.currency = documents.currency
