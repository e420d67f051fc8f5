-- grain: month × invoice × instalment settled in it
-- why: how late customers really settle; an item counts in the month at whose end it is settled and no month earlier.
--   The day is the one on which nothing was left, whatever settled it; a day before the due date is not late
WITH bounds AS (
    SELECT min(as_of_date) AS first_date FROM core.receivable_snapshots
),

changes AS (
    SELECT
        invoice_id,
        instalment_no,
        due_date,
        valid_from,
        first_snapshot_no,
        amount_doc,
        outstanding_amount_doc,
        coalesce(lag(outstanding_amount_doc) OVER item, amount_doc) AS previous_amount_doc,
        -- A later state of the same month that reopens the item takes the settlement back.
        max(CASE WHEN outstanding_amount_doc <> 0 THEN valid_from END) OVER (
            PARTITION BY invoice_id, instalment_no, first_snapshot_no
        ) AS last_open_date
    FROM core.receivable_item_states
    WINDOW item AS (PARTITION BY invoice_id, instalment_no ORDER BY valid_from)
),

settled AS (
    SELECT changes.*
    FROM changes
    CROSS JOIN bounds
    WHERE
        outstanding_amount_doc = 0
        AND previous_amount_doc <> 0
        AND valid_from > first_date
        AND (last_open_date IS NULL OR last_open_date < valid_from)
)

SELECT
    periods.period_month,
    settled.invoice_id,
    settled.instalment_no,
    documents.account_id,
    documents.account_manager,
    documents.currency,
    settled.amount_doc,
    settled.valid_from AS settled_date,
    greatest(settled.valid_from - coalesce(settled.due_date, documents.due_date), 0)::BIGINT AS days_late
FROM settled
JOIN core.receivable_documents AS documents USING (invoice_id)
JOIN core.receivable_snapshots AS snapshots ON snapshots.snapshot_no = settled.first_snapshot_no
JOIN build.periods AS periods ON periods.period_month = snapshots.period_month
