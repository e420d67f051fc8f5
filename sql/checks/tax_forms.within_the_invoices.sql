-- fmt: off
-- invariant: Forms received cover at most what was invoiced in their quarter with that form due, in that currency.
-- finding: The tax forms of {n} (account and quarter|accounts and quarters) cover more than was invoiced
-- if it fails: the form counts where nothing is due, and what it was meant for stays outstanding; correct its type, account, quarter, currency or
--   invoice, or the tax_form_type of the invoices.
-- severity: warning
-- owner: Accounts receivable
-- keys: account_id, form_type, fiscal_year, fiscal_quarter, currency, received_amount_doc, invoiced_amount_doc
-- needs: invoices
-- fmt: on
with
    quarters as (
        select days.calendar_date, months.fiscal_year, months.fiscal_quarter
        from core.days as days
        join core.months as months on months.period_month = days.period_month
    ),

    invoice_dates as (
        select invoice_id, min(invoice_date) as invoice_date
        from core.invoices
        where invoice_id in (select invoice_id from core.tax_forms)
        group by invoice_id
    ),

    entries as (
        select
            invoices.account_id,
            invoices.tax_form_type as form_type,
            invoices.currency,
            quarters.fiscal_year,
            quarters.fiscal_quarter,
            invoices.invoice_date as entry_date,
            case when document_type = 'credit_note' then - net_amount else net_amount end as invoiced,
            0 as received
        from core.invoices as invoices
        join quarters on quarters.calendar_date = invoices.invoice_date
        where invoices.tax_form_type is not null
        union all
        select
            forms.account_id,
            forms.form_type,
            forms.currency,
            case when forms.quarter is null then quarters.fiscal_year else forms.fiscal_year end,
            coalesce(forms.quarter, quarters.fiscal_quarter),
            forms.received_date,
            0,
            forms.amount
        from core.tax_forms as forms
        left join invoice_dates on invoice_dates.invoice_id = forms.invoice_id
        left join quarters on quarters.calendar_date = invoice_dates.invoice_date
    )

select
    periods.period_month,
    entries.account_id,
    entries.form_type,
    entries.fiscal_year,
    entries.fiscal_quarter,
    entries.currency,
    sum(entries.received) as received_amount_doc,
    sum(entries.invoiced) as invoiced_amount_doc
from entries
join build.periods as periods on entries.entry_date <= periods.as_of_date
group by all
having
    received_amount_doc > invoiced_amount_doc
    -- Told once, in the month of the form.
    and max(entries.entry_date) filter (entries.received > 0) >= min(periods.start_date)
