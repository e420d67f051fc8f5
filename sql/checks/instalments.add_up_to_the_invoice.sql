-- invariant: The instalments of an invoice add up to its gross amount.
-- if it fails: the difference is put on the last instalment, so its due amount is not the one agreed; correct the
--   instalments in the source.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, instalments_amount_doc, gross_amount_doc
-- needs: invoices
WITH gross AS (
    SELECT invoice_id, min(invoice_date) AS invoice_date, sum(net_amount + tax_amount) AS gross_amount_doc
    FROM core.invoices
    SEMI JOIN core.instalments USING (invoice_id)
    GROUP BY invoice_id
),

of_the_months AS (
    SELECT days.period_month, gross.invoice_id, gross.gross_amount_doc
    FROM gross
    JOIN core.days AS days ON days.calendar_date = gross.invoice_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
),

instalments AS (
    SELECT invoice_id, sum(amount) AS instalments_amount_doc
    FROM core.instalments
    GROUP BY invoice_id
)

SELECT of_the_months.period_month, instalments.*, of_the_months.gross_amount_doc
FROM instalments
JOIN of_the_months USING (invoice_id)
WHERE abs(instalments.instalments_amount_doc - of_the_months.gross_amount_doc) >= 0.01
