-- invariant: Account, dates, currency and type agree across the lines of a document.
-- if it fails: one document is owed by two accounts or due on two dates, and ageing has to pick one; correct the
--   document in the source and close again.
-- severity: critical
-- owner: Accounts receivable
-- keys: invoice_id, differing_columns
WITH lines AS (
    SELECT invoices.invoice_id, days.period_month
    FROM core.invoices AS invoices
    JOIN core.days AS days ON days.calendar_date = invoices.invoice_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
),

-- Among all lines of these documents, those dated in other months too.
differing AS (
    SELECT invoice_id
    FROM (
        SELECT invoice_id, hash(account_id, invoice_date, due_date, currency, document_type) AS header_hash
        FROM core.invoices
        SEMI JOIN lines USING (invoice_id)
    )
    GROUP BY invoice_id
    HAVING min(header_hash) <> max(header_hash)
),

documents AS (
    SELECT
        invoice_id,
        concat_ws(
            ', ',
            CASE WHEN min(account_id) <> max(account_id) THEN 'account_id' END,
            CASE WHEN min(invoice_date) <> max(invoice_date) THEN 'invoice_date' END,
            CASE WHEN min(due_date) <> max(due_date) OR count(due_date) NOT IN (0, count(*)) THEN 'due_date' END,
            CASE WHEN min(currency) <> max(currency) THEN 'currency' END,
            CASE WHEN min(document_type) <> max(document_type) THEN 'document_type' END
        ) AS differing_columns
    FROM core.invoices
    SEMI JOIN differing USING (invoice_id)
    GROUP BY invoice_id
)

SELECT DISTINCT lines.period_month, documents.*
FROM documents
JOIN lines USING (invoice_id)
