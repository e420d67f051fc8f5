-- fmt: off
-- invariant: Account, dates, currency and type agree across the lines of a document.
-- finding: {n} (document differs|documents differ) between (its|their) lines in account, date, currency or type
-- if it fails: one document is owed by two accounts or due on two dates, and ageing has to pick one; correct the
--   document in the source and close again.
-- severity: critical
-- owner: Accounts receivable
-- keys: invoice_id, differing_columns
-- fmt: on
with
    lines as (
        select invoices.invoice_id, days.period_month
        from core.invoices as invoices
        join core.days as days on days.calendar_date = invoices.invoice_date
        semi join build.periods as periods on periods.period_month = days.period_month
    ),

    -- Among all lines of these documents, those dated in other months too.
    differing as (
        select invoice_id
        from
            (
                select invoice_id, hash(account_id, invoice_date, due_date, currency, document_type) as header_hash
                from core.invoices
                semi join lines using (invoice_id)
            )
        group by invoice_id
        having min(header_hash) <> max(header_hash)
    ),

    documents as (
        select
            invoice_id,
            concat_ws(
                ', ',
                case when min(account_id) <> max(account_id) then 'account_id' end,
                case when min(invoice_date) <> max(invoice_date) then 'invoice_date' end,
                case when min(due_date) <> max(due_date) or count(due_date) not in (0, count(*)) then 'due_date' end,
                case when min(currency) <> max(currency) then 'currency' end,
                case when min(document_type) <> max(document_type) then 'document_type' end
            ) as differing_columns
        from core.invoices
        semi join differing using (invoice_id)
        group by invoice_id
    )

select distinct lines.period_month, documents.*
from documents
join lines using (invoice_id)
