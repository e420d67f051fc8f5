-- fmt: off
-- invariant: Every credit note is of the account and in the currency of the invoice that it corrects.
-- finding: {n} credit (note differs from its invoice|notes differ from their invoices) in account or currency
-- if it fails: in another currency it is not applied; of another account it settles an invoice that is not its own.
--   Correct the reference, the account or the currency in the source.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, account_id, currency, reference_invoice_id, reference_account_id, reference_currency
-- fmt: on
with
    corrected as (
        select
            invoices.invoice_id,
            min(invoices.account_id) as reference_account_id,
            min(invoices.currency) as reference_currency
        from core.invoices as invoices
        semi join batch on batch.reference_invoice_id = invoices.invoice_id
        where invoices.document_type <> 'credit_note'
        group by invoices.invoice_id
    )

select batch.*, corrected.reference_account_id, corrected.reference_currency
from batch
join corrected on corrected.invoice_id = batch.reference_invoice_id
where
    batch.document_type = 'credit_note'
    and (batch.account_id <> corrected.reference_account_id or batch.currency <> corrected.reference_currency)
