-- grain: invoice × instalment, invoices with instalments only
-- why: the parts add up to the invoice; the last takes a difference, and one before it what the last cannot
WITH listed AS (
    SELECT
        instalments.invoice_id,
        instalments.instalment_no,
        instalments.due_date,
        instalments.amount,
        documents.gross_amount_doc,
        coalesce(sum(instalments.amount) OVER earlier, 0) AS earlier_amount,
        lead(instalments.instalment_no) OVER (
            PARTITION BY instalments.invoice_id ORDER BY instalments.instalment_no
        ) IS NULL AS is_last
    FROM core.instalments AS instalments
    JOIN core.receivable_documents AS documents USING (invoice_id)
    WINDOW earlier AS (
        PARTITION BY instalments.invoice_id
        ORDER BY instalments.instalment_no
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

bounded AS (
    SELECT *, greatest(gross_amount_doc - earlier_amount, 0) AS remaining_amount
    FROM listed
)

SELECT
    invoice_id,
    instalment_no,
    due_date,
    CASE WHEN is_last THEN remaining_amount ELSE least(amount, remaining_amount) END::DECIMAL(18, 4) AS amount_doc
FROM bounded
