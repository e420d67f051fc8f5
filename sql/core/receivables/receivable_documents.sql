-- fmt: off
-- grain: invoice or debit note
-- why: what was billed, tax included; a document is owed as a whole, its lines are not
-- lines: core.invoices by invoice_id
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
--   gross_amount_doc  DECIMAL(34,4)
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
            (sum(net_amount) + sum(tax_amount))::decimal(34, 4) as gross_amount_doc
        from core.invoices
        where document_type <> 'credit_note'
        group by invoice_id
    ),

    -- Terms that the master changed later do not change a document that was there before. It has no dates, so what an
    -- account's terms were is what was known when the document came.
    changed_terms as (
        select account_id from core.account_terms group by account_id having count(distinct payment_terms_days) > 1
    ),

    first_loads as (
        select documents.invoice_id, documents.account_id, min(lines.load_id) as load_id
        from documents
        semi join changed_terms using (account_id)
        join staging.invoices as lines on lines.invoice_id = documents.invoice_id
        where documents.due_date is null
        group by documents.invoice_id, documents.account_id
    ),

    terms_of_documents as (
        select
            first_loads.invoice_id,
            coalesce(
                arg_max(terms.payment_terms_days, terms.load_id) filter (where terms.load_id <= first_loads.load_id),
                arg_min(terms.payment_terms_days, terms.load_id)
            ) as payment_terms_days
        from first_loads
        join core.account_terms as terms using (account_id)
        group by first_loads.invoice_id
    ),

    with_terms as (
        select
            documents.*,
            accounts.account_manager as manager_of_account,
            coalesce(terms_of_documents.payment_terms_days, accounts.payment_terms_days) as payment_terms_days
        from documents
        left join core.accounts as accounts on accounts.account_id = documents.account_id
        left join terms_of_documents on terms_of_documents.invoice_id = documents.invoice_id
    )

select
    invoice_id,
    document_type,
    line_no,
    account_id,
    known(coalesce(account_manager, manager_of_account)) as account_manager,
    document_date,
    coalesce(due_date, document_date + payment_terms_days, document_date)::date as due_date,
    case
        when due_date is not null
        then 'document'
        when payment_terms_days is not null
        then 'payment terms'
        else 'document date'
    end as due_date_source,
    currency,
    disputed,
    gross_amount_doc
from with_terms
