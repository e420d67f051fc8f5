-- fmt: off
-- grain: invoice or debit note
-- why: what was billed, tax included; a document is owed as a whole, its lines are not
-- columns:
--   invoice_id        VARCHAR
--   document_type     VARCHAR
--   line_no           INTEGER
--   account_id        VARCHAR
--   account_manager   VARCHAR
--   document_date     DATE
--   due_date          DATE
--   due_date_source   VARCHAR
--   currency          VARCHAR
--   disputed          BOOLEAN
--   gross_amount_doc  DECIMAL(18,4)
-- fmt: on
with
    documents as (
        select
            invoice_id,
            min(document_type) as document_type,
            min(line_no) as line_no,
            min(account_id) as account_id,
            min(account_manager) as account_manager,
            min(invoice_date) as document_date,
            min(due_date) as due_date,
            min(currency) as currency,
            coalesce(bool_or(disputed), false) as disputed,
            sum(net_amount + tax_amount)::decimal(18, 4) as gross_amount_doc
        from core.invoices
        where document_type <> 'credit_note'
        group by invoice_id
    )

select
    documents.invoice_id,
    documents.document_type,
    documents.line_no,
    documents.account_id,
    known(coalesce(documents.account_manager, accounts.account_manager)) as account_manager,
    documents.document_date,
    coalesce(documents.due_date, documents.document_date + accounts.payment_terms_days, documents.document_date)::date
    as due_date,
    case
        when documents.due_date is not null
        then 'document'
        when accounts.payment_terms_days is not null
        then 'payment terms'
        else 'document date'
    end as due_date_source,
    documents.currency,
    documents.disputed,
    documents.gross_amount_doc
from documents
left join core.accounts as accounts on accounts.account_id = documents.account_id
