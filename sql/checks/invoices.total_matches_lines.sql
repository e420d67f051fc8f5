-- invariant: The lines of a document add up to the total that the document states.
-- if it fails: a line is missing, doubled or was rejected, so sales and balance of the account are wrong; see `kam
--   rejects --feed invoices`, load the whole document and close again.
-- severity: critical
-- owner: Accounts receivable
-- keys: invoice_id, lines_amount_doc, invoice_total
WITH lines AS (
    SELECT invoices.invoice_id, days.period_month
    FROM core.invoices AS invoices
    JOIN core.days AS days ON days.calendar_date = invoices.invoice_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
    WHERE invoices.invoice_total IS NOT NULL
),

documents AS (
    SELECT invoice_id, sum(net_amount + tax_amount) AS lines_amount_doc, max(invoice_total) AS invoice_total
    FROM core.invoices
    SEMI JOIN lines USING (invoice_id)
    GROUP BY invoice_id
    HAVING abs(lines_amount_doc - max(invoice_total)) >= 0.01
)

SELECT DISTINCT lines.period_month, documents.*
FROM documents
JOIN lines USING (invoice_id)
