-- invariant: Every credit note that names an invoice names one that exists.
-- if it fails: the credit note stays open beside the invoice, and both are chased; correct its reference or load the
--   invoice.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, reference_invoice_id
WITH known AS (
    SELECT DISTINCT invoices.invoice_id
    FROM core.invoices AS invoices
    SEMI JOIN batch ON batch.reference_invoice_id = invoices.invoice_id
    WHERE invoices.document_type <> 'credit_note'
)

SELECT batch.*
FROM batch
ANTI JOIN known ON known.invoice_id = batch.reference_invoice_id
WHERE batch.document_type = 'credit_note' AND batch.reference_invoice_id IS NOT NULL
