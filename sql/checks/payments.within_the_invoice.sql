-- invariant: No invoice is paid more than it amounts to.
-- if it fails: the excess is unapplied cash of the account; refund it, or find the invoice it was meant for.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, paid_amount_doc, gross_amount_doc
-- needs: invoices
WITH payments AS (
    SELECT
        payments.invoice_id,
        days.period_month,
        payments.currency,
        CASE WHEN payments.payment_type = 'refund' THEN -payments.amount ELSE payments.amount END AS amount
    FROM core.payments AS payments
    JOIN core.days AS days ON days.calendar_date = payments.payment_date
    WHERE payments.invoice_id IS NOT NULL
),

paid_in_the_months AS (
    SELECT DISTINCT invoice_id
    FROM payments
    SEMI JOIN build.periods AS periods ON periods.period_month = payments.period_month
),

invoices AS (
    SELECT invoice_id, min(currency) AS currency, sum(net_amount + tax_amount) AS gross_amount_doc
    FROM core.invoices
    SEMI JOIN paid_in_the_months USING (invoice_id)
    WHERE document_type <> 'credit_note'
    GROUP BY invoice_id
),

-- A payment in another currency is not applied.
by_month AS (
    SELECT payments.invoice_id, payments.period_month, invoices.gross_amount_doc, sum(payments.amount) AS amount
    FROM payments
    JOIN invoices ON invoices.invoice_id = payments.invoice_id
    WHERE coalesce(payments.currency, invoices.currency) = invoices.currency
    GROUP BY ALL
),

cumulated AS (
    SELECT
        invoice_id,
        period_month,
        gross_amount_doc,
        sum(amount) OVER (PARTITION BY invoice_id ORDER BY period_month) AS paid_amount_doc
    FROM by_month
)

SELECT cumulated.*
FROM cumulated
SEMI JOIN build.periods AS periods ON periods.period_month = cumulated.period_month
WHERE paid_amount_doc > gross_amount_doc
