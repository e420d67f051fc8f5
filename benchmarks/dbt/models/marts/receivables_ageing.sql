-- Each item that is open at the month's end: invoices less what settled them, and credit notes and cash that name no invoice.
with
    documents as (
        select
            invoice_id, min(document_type) as document_type, min(account_id) as account_id, min(currency) as currency,
            min(invoice_date) as document_date, min(due_date) as due_date, min(reference_invoice_id) as reference_invoice_id,
            sum(net_amount) + sum(tax_amount) as gross
        from {{ ref('stg_invoices') }}
        where invoice_date <= {{ month_end() }}
        group by invoice_id
    ),

    paid as (
        select
            invoice_id,
            coalesce(sum(amount) filter (payment_type <> 'write_off'), 0) as paid,
            coalesce(sum(amount) filter (payment_type = 'write_off'), 0) as written_off
        from {{ ref('stg_payments') }}
        where invoice_id is not null and payment_date <= {{ month_end() }}
        group by invoice_id
    ),

    credited as (
        select reference_invoice_id as invoice_id, sum(gross) as credited
        from documents
        where document_type = 'credit_note' and reference_invoice_id is not null
        group by reference_invoice_id
    ),

    items as (
        select
            'invoice' as item_type, invoice_id as document_id, 1 as line_no, account_id, currency, document_date, due_date,
            gross as original_amount_doc, coalesce(paid, 0) as paid_amount_doc, coalesce(credited, 0) as credited_amount_doc,
            coalesce(written_off, 0) as written_off_amount_doc,
            gross - coalesce(paid, 0) - coalesce(credited, 0) - coalesce(written_off, 0) as outstanding_amount_doc
        from documents
        left join paid using (invoice_id)
        left join credited using (invoice_id)
        where document_type = 'invoice'
        union all
        select 'credit', invoice_id, 1, account_id, currency, document_date, document_date, -gross, 0, 0, 0, -gross
        from documents
        where document_type = 'credit_note' and reference_invoice_id is null
        union all
        select 'unapplied_cash', payment_id, line_no, account_id, currency, payment_date, payment_date, -amount, 0, 0, 0, -amount
        from {{ ref('stg_payments') }}
        where invoice_id is null and payment_date <= {{ month_end() }}
    ),

    aged as (
        select *, {{ month_end() }} - due_date as days_overdue
        from items
        where outstanding_amount_doc <> 0
    )

select
    item_type, document_id, line_no, account_id, aged.currency, document_date, due_date, original_amount_doc, paid_amount_doc,
    credited_amount_doc, written_off_amount_doc, outstanding_amount_doc,
    round(outstanding_amount_doc * closing.rate, 2) as outstanding_amount,
    round(outstanding_amount_doc * book.rate, 2) as book_amount,
    days_overdue,
    case
        when days_overdue <= 0 then 'current'
        when days_overdue <= 30 then '1-30'
        when days_overdue <= 60 then '31-60'
        when days_overdue <= 90 then '61-90'
        when days_overdue <= 120 then '91-120'
        else 'over 120'
    end as bucket
from aged
join {{ ref('day_rates') }} as closing on closing.currency = aged.currency and closing.rate_date = {{ month_end() }}
join {{ ref('day_rates') }} as book on book.currency = aged.currency and book.rate_date = aged.document_date
