-- grain: invoice or debit note
-- why: what was billed, tax included; a document is owed as a whole, its lines are not
WITH documents AS (
    SELECT
        invoice_id,
        min(document_type) AS document_type,
        min(line_no) AS line_no,
        min(account_id) AS account_id,
        min(account_manager) AS account_manager,
        min(invoice_date) AS document_date,
        min(due_date) AS due_date,
        min(currency) AS currency,
        coalesce(bool_or(disputed), false) AS disputed,
        sum(net_amount + tax_amount)::DECIMAL(18, 4) AS gross_amount_doc
    FROM core.invoices
    WHERE document_type <> 'credit_note'
    GROUP BY invoice_id
)

SELECT
    documents.invoice_id,
    documents.document_type,
    documents.line_no,
    documents.account_id,
    coalesce(documents.account_manager, accounts.account_manager, 'unknown') AS account_manager,
    documents.document_date,
    coalesce(
        documents.due_date, documents.document_date + accounts.payment_terms_days, documents.document_date
    )::DATE AS due_date,
    CASE
        WHEN documents.due_date IS NOT NULL THEN 'document'
        WHEN accounts.payment_terms_days IS NOT NULL THEN 'payment terms'
        ELSE 'document date'
    END AS due_date_source,
    documents.currency,
    documents.disputed,
    documents.gross_amount_doc
FROM documents
LEFT JOIN core.accounts AS accounts ON accounts.account_id = documents.account_id
