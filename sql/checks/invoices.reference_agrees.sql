-- invariant: Every credit note is of the account and in the currency of the invoice that it corrects.
-- if it fails: in another currency it is not applied; of another account it settles an invoice that is not its own.
--   Correct the reference, the account or the currency in the source.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, line_no, account_id, currency, reference_invoice_id, reference_account_id, reference_currency
WITH corrected AS (
    SELECT
        invoices.invoice_id,
        min(invoices.account_id) AS reference_account_id,
        min(invoices.currency) AS reference_currency
    FROM core.invoices AS invoices
    SEMI JOIN batch ON batch.reference_invoice_id = invoices.invoice_id
    WHERE invoices.document_type <> 'credit_note'
    GROUP BY invoices.invoice_id
)

SELECT batch.*, corrected.reference_account_id, corrected.reference_currency
FROM batch
JOIN corrected ON corrected.invoice_id = batch.reference_invoice_id
WHERE batch.document_type = 'credit_note'
  AND (batch.account_id <> corrected.reference_account_id OR batch.currency <> corrected.reference_currency)
