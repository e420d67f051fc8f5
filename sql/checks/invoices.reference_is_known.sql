-- fmt: off
-- invariant: Every credit note that names an invoice names one that exists.
-- finding: {n} credit (note names|notes name) an invoice that does not exist
-- if it fails: the credit note and the invoice both stay open and are chased; correct its reference or load the
--   invoice.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, reference_invoice_id
-- fmt: on
with
    known as (
        select distinct invoices.invoice_id
        from core.invoices as invoices
        semi join batch on batch.reference_invoice_id = invoices.invoice_id
        where invoices.document_type <> 'credit_note'
    )

select batch.*
from batch
anti join known on known.invoice_id = batch.reference_invoice_id
where batch.document_type = 'credit_note' and batch.reference_invoice_id is not null
