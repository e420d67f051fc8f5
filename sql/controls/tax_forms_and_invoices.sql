-- fmt: off
-- why: a document or a form is missing from the tax forms outstanding, counts twice, or in a quarter where it does not belong
-- needs: tax_forms, invoices
-- Accounts that lack a rate are left out on both sides.
-- fmt: on
with
    quarters as (
        select days.calendar_date, months.fiscal_year * 4 + months.fiscal_quarter as quarter_no
        from core.days as days
        join core.months as months on months.period_month = days.period_month
    ),

    entries as (
        select
            invoices.account_id,
            invoices.tax_form_type as form_type,
            invoices.currency,
            invoices.invoice_date as entry_date,
            quarters.quarter_no,
            case when document_type = 'credit_note' then - net_amount else net_amount end as invoiced,
            0 as received
        from core.invoices as invoices
        join quarters on quarters.calendar_date = invoices.invoice_date
        where invoices.tax_form_type is not null
        union all
        select account_id, form_type, currency, received_date, fiscal_year * 4 + quarter, 0, amount
        from core.tax_forms
        where fiscal_year is not null and quarter is not null
        union all
        -- A form for one invoice, which is known from its date on.
        select
            forms.account_id,
            forms.form_type,
            forms.currency,
            greatest(forms.received_date, dates.invoice_date),
            quarters.quarter_no,
            0,
            forms.amount
        from core.tax_forms as forms
        join
            (select invoice_id, min(invoice_date) as invoice_date from core.invoices group by invoice_id) as dates
            on dates.invoice_id = forms.invoice_id
        join quarters on quarters.calendar_date = dates.invoice_date
        where forms.fiscal_year is null or forms.quarter is null
    ),

    of_documents as (
        select
            periods.period_month,
            entries.account_id,
            converted(sum(entries.invoiced), rates.closing_rate)
            - converted(sum(entries.received), rates.closing_rate) as outstanding
        from entries
        join build.periods as periods on entries.entry_date <= periods.as_of_date
        left join
            core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = entries.currency
        group by
            periods.period_month,
            entries.account_id,
            entries.form_type,
            entries.quarter_no,
            entries.currency,
            rates.closing_rate
    ),

    listed as (
        select
            documents.period_month,
            documents.account_id,
            converted(sum(documents.invoiced_amount_doc), rates.closing_rate)
            - converted(sum(documents.received_amount_doc), rates.closing_rate) as outstanding
        from build.tax_form_documents as documents
        left join
            core.month_rates as rates
            on rates.period_month = documents.period_month
            and rates.currency = documents.currency
        group by
            documents.period_month,
            documents.account_id,
            documents.form_type,
            documents.fiscal_year,
            documents.fiscal_quarter,
            documents.currency,
            rates.closing_rate
    ),

    undefined as (
        select distinct period_month, account_id
        from build.tax_forms_outstanding
        where outstanding_amount is null or fiscal_year is null
    ),

    sides as (
        select
            period_month,
            'documents with a tax form due − forms received = outstanding' as control,
            account_id,
            outstanding as left_amount,
            0 as right_amount
        from of_documents
        union all
        select
            period_month,
            'documents with a tax form due − forms received = outstanding',
            account_id,
            0,
            outstanding_amount
        from build.tax_forms_outstanding
        union all
        select period_month, 'documents without a tax form, one by one = outstanding', account_id, outstanding, 0
        from listed
        union all
        select period_month, 'documents without a tax form, one by one = outstanding', account_id, 0, outstanding_amount
        from build.tax_forms_outstanding
    )

select
    sides.period_month, sides.control, '' as currency, 'account ' || sides.account_id as item, left_amount, right_amount
from sides
anti join undefined on undefined.period_month = sides.period_month and undefined.account_id = sides.account_id
