-- grain: invoice × day on which its balance changed, from the first month end of core.receivable_snapshots on
-- why: between two such days nothing about an invoice changes, so each state is worked out once, not once a month;
--   days up to the first month end fold into it, and an invoice settled by then and left alone is dropped
WITH bounds AS (
    SELECT min(as_of_date) AS first_date, max(as_of_date) AS last_date FROM core.receivable_snapshots
),

events AS (
    SELECT
        invoice_id,
        document_date AS event_date,
        gross_amount_doc,
        0::DECIMAL(18, 4) AS cash_doc,
        0::DECIMAL(18, 4) AS written_off_doc,
        0::DECIMAL(18, 4) AS credited_doc
    FROM core.receivable_documents
    UNION ALL
    SELECT
        invoice_id,
        applied_from,
        0,
        CASE
            WHEN lane IN ('received', 'discount') THEN amount_doc
            WHEN lane = 'refunded' THEN -amount_doc
            ELSE 0
        END,
        CASE lane WHEN 'written_off' THEN amount_doc ELSE 0 END,
        CASE lane WHEN 'credited' THEN amount_doc ELSE 0 END
    FROM core.receivable_settlements
    WHERE applied_from IS NOT NULL
),

-- Invoices that are open at the first month end or change after it.
living AS (
    SELECT invoice_id
    FROM events
    CROSS JOIN bounds
    WHERE event_date <= last_date
    GROUP BY invoice_id
    HAVING sum(gross_amount_doc - cash_doc - written_off_doc - credited_doc) <> 0 OR max(event_date) > min(first_date)
),

changes AS (
    SELECT
        events.invoice_id,
        greatest(events.event_date, bounds.first_date) AS valid_from,
        sum(events.gross_amount_doc) AS gross_amount_doc,
        sum(events.cash_doc) AS cash_doc,
        sum(events.written_off_doc) AS written_off_doc,
        sum(events.credited_doc) AS credited_doc
    FROM events
    SEMI JOIN living USING (invoice_id)
    CROSS JOIN bounds
    WHERE events.event_date <= bounds.last_date
    GROUP BY ALL
),

known AS (
    SELECT changes.*, cutoffs.snapshot_no
    FROM changes
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = changes.valid_from
),

running AS (
    SELECT
        invoice_id,
        valid_from,
        lead(valid_from) OVER up_to_here AS valid_to,
        snapshot_no AS first_snapshot_no,
        coalesce(
            lead(snapshot_no) OVER up_to_here, (SELECT max(snapshot_no) + 1 FROM core.receivable_snapshots)
        ) AS end_snapshot_no,
        (sum(gross_amount_doc) OVER up_to_here)::DECIMAL(18, 4) AS gross_amount_doc,
        (sum(cash_doc) OVER up_to_here)::DECIMAL(18, 4) AS cash_doc,
        (sum(written_off_doc) OVER up_to_here)::DECIMAL(18, 4) AS written_off_doc,
        (sum(credited_doc) OVER up_to_here)::DECIMAL(18, 4) AS credited_doc
    FROM known
    WINDOW up_to_here AS (PARTITION BY invoice_id ORDER BY valid_from ROWS UNBOUNDED PRECEDING)
)

SELECT * FROM running
