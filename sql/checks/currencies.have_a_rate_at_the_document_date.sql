-- fmt: off
-- invariant: Every document has a rate of its currency at its date.
-- finding: {n} (document has|documents have) no exchange rate at (its|their) date
-- if it fails: billing, receipts and what is derived from them leave the amount out, and so does the year to date of the
--   plan variance with months without any rate; load a rate of that day or earlier and close again.
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
            sum(net_amount) + sum(tax_amount) as amount_doc
        from core.invoices
        group by invoice_id
        union all
        select 'payments', payment_id, min(payment_date), min(currency), sum(amount)
        from core.payments
        where currency is not null
        group by payment_id
        union all
        select 'orders', order_id, min(order_date), min(currency), sum(quantity * unit_price)
        from core.orders
        where unit_price > 0
        group by order_id
        union all
        -- A plan of a month has a rate of its own, a budget rate, or that of the month.
        select
            'sales_plan',
            plan.plan_version,
            months.as_of_date,
            plan.currency,
            sum(coalesce(plan.amount, plan.quantity * plan.unit_price))
        from core.sales_plan as plan
        join core.months as months on months.period_month = plan.month
        anti join
            core.fx_rates as budget
            on budget.currency = plan.currency
            and budget.rate_type = 'budget'
            and budget.rate_date <= months.as_of_date
        where plan.fx_rate is null
        group by plan.plan_version, months.as_of_date, plan.currency
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
