-- fmt: off
-- grain: payment line, or credit note × invoice it refers to
-- why: all that reduces (a refund: adds to) what is owed, and from when the document it names takes it
-- lines: core.payments by payment_id = document_id, line_no where figure.lane <> 'credited';
--   core.invoices by invoice_id = document_id where figure.lane = 'credited'
-- columns:
--   document_id              VARCHAR
--   line_no                  INTEGER
--   lane                     VARCHAR
--   account_id               VARCHAR
--   account_manager          VARCHAR
--   document_date            DATE
--   disputed                 BOOLEAN
--   amount_doc               DECIMAL(34,4)
--   invoice_id               VARCHAR
--   instalment_no            INTEGER
--   invoice_account_id       VARCHAR
--   invoice_account_manager  VARCHAR
--   currency_before          VARCHAR
--   currency                 VARCHAR
--   known_from               DATE
--   applied_from             DATE
-- fmt: on
with
    lines as (
        select
            payment_id as document_id,
            line_no,
            account_id,
            null as account_manager,
            invoice_id,
            instalment_no,
            payment_date as document_date,
            currency,
            false as disputed,
            case
                payment_type
                when 'receipt'
                then 'received'
                when 'discount'
                then 'discount'
                when 'write_off'
                then 'written_off'
                else 'refunded'
            end as lane,
            amount as amount_doc
        from core.payments
        union all
        select
            invoice_id,
            min(line_no),
            min(account_id),
            min(account_manager),
            reference_invoice_id,
            null,
            min(invoice_date),
            min(currency),
            coalesce(bool_or(disputed), false),
            'credited',
            (sum(net_amount) + sum(tax_amount))::decimal(34, 4)
        from core.invoices
        where document_type = 'credit_note'
        group by invoice_id, reference_invoice_id
    ),

    named as (
        select
            lines.*,
            documents.account_id as invoice_account_id,
            documents.account_manager as invoice_account_manager,
            documents.currency as invoice_currency,
            -- Before this day nobody can know the document that is named.
            greatest(lines.document_date, documents.document_date) as known_from,
            lines.currency is null or lines.currency = documents.currency as same_currency
        from lines
        left join core.receivable_documents as documents on documents.invoice_id = lines.invoice_id
    )

select
    named.document_id,
    named.line_no,
    named.lane,
    named.account_id,
    known(coalesce(named.account_manager, accounts.account_manager)) as account_manager,
    named.document_date,
    named.disputed,
    named.amount_doc,
    named.invoice_id,
    named.instalment_no,
    named.invoice_account_id,
    named.invoice_account_manager,
    -- A payment without a currency has its invoice's, but only once the invoice is known.
    coalesce(named.currency, settings.reporting_currency) as currency_before,
    coalesce(named.currency, named.invoice_currency, settings.reporting_currency) as currency,
    case when named.invoice_account_id is not null then named.known_from end as known_from,
    case when named.invoice_account_id is not null and named.same_currency then named.known_from end as applied_from
from named
cross join build.settings as settings
left join core.accounts as accounts on accounts.account_id = named.account_id
