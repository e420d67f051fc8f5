-- invariant: No invoice is paid more than it amounts to.
-- if it fails: the excess is unapplied cash of the account; refund it, or find the invoice it was meant for.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, paid_amount_doc, gross_amount_doc
-- needs: invoices
WITH settled AS (
    SELECT payments.invoice_id
    FROM core.payments AS payments
    JOIN core.days AS days ON days.calendar_date = payments.payment_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
    WHERE payments.invoice_id IS NOT NULL
),

gross AS (
    SELECT invoice_id, min(currency) AS currency, sum(net_amount + tax_amount) AS gross_amount_doc
    FROM core.invoices
    SEMI JOIN settled USING (invoice_id)
    WHERE document_type <> 'credit_note'
    GROUP BY invoice_id
),

-- Only these few can have been above the invoice in some month, before a refund took the excess back.
suspects AS (
    SELECT gross.*
    FROM gross
    JOIN (
        SELECT invoice_id, sum(amount) AS paid_amount_doc
        FROM core.payments
        WHERE payment_type <> 'refund'
        GROUP BY invoice_id
    ) AS paid USING (invoice_id)
    WHERE paid.paid_amount_doc > gross.gross_amount_doc
),

-- A payment in another currency is not applied.
by_month AS (
    SELECT
        suspects.invoice_id,
        suspects.gross_amount_doc,
        days.period_month,
        sum(CASE WHEN payments.payment_type = 'refund' THEN -payments.amount ELSE payments.amount END) AS amount
    FROM suspects
    JOIN core.payments AS payments
        ON payments.invoice_id = suspects.invoice_id
        AND coalesce(payments.currency, suspects.currency) = suspects.currency
    JOIN core.days AS days ON days.calendar_date = payments.payment_date
    GROUP BY ALL
),

cumulated AS (
    SELECT
        period_month,
        invoice_id,
        gross_amount_doc,
        sum(amount) OVER (PARTITION BY invoice_id ORDER BY period_month) AS paid_amount_doc
    FROM by_month
)

SELECT cumulated.*
FROM cumulated
SEMI JOIN build.periods AS periods ON periods.period_month = cumulated.period_month
WHERE paid_amount_doc > gross_amount_doc
