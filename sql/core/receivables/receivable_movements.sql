-- grain: month × account × manager × currency × lane
-- why: the ledger's side of the roll-forward, from documents and payments by date, without open items. A settlement
--   counts where it is: with its payer until the invoice is known, with the invoice from then on, its excess with the
--   payer again
WITH bounds AS (
    SELECT min(as_of_date) AS first_date, max(as_of_date) AS last_date FROM core.receivable_snapshots
),

moves AS (
    SELECT
        document_date AS move_date,
        account_id,
        account_manager,
        currency,
        'invoiced' AS lane,
        gross_amount_doc AS amount_doc
    FROM core.receivable_documents
    UNION ALL
    -- Arrives: at once where it belongs, if what it names is known by then or never will be.
    SELECT
        document_date,
        CASE WHEN applied_from = document_date THEN invoice_account_id ELSE account_id END,
        CASE WHEN applied_from = document_date THEN invoice_account_manager ELSE account_manager END,
        CASE WHEN known_from = document_date THEN currency ELSE currency_before END,
        lane,
        amount_doc
    FROM core.receivable_settlements
    UNION ALL
    -- Leaves the payer when the invoice that it names becomes known …
    SELECT known_from, account_id, account_manager, currency_before, lane, -amount_doc
    FROM core.receivable_settlements
    WHERE known_from > document_date
    UNION ALL
    -- … and comes in where the invoice is.
    SELECT
        known_from,
        CASE WHEN applied_from IS NULL THEN account_id ELSE invoice_account_id END,
        CASE WHEN applied_from IS NULL THEN account_manager ELSE invoice_account_manager END,
        currency,
        lane,
        amount_doc
    FROM core.receivable_settlements
    WHERE known_from > document_date
),

excess AS (
    SELECT *
    FROM core.receivable_excess
    WHERE (account_id, account_manager) <> (invoice_account_id, invoice_account_manager)
),

excess_moves AS (
    SELECT valid_from AS move_date, account_id, account_manager, currency, lane, excess_amount_doc AS amount_doc
    FROM excess
    UNION ALL
    SELECT valid_from, invoice_account_id, invoice_account_manager, currency, lane, -excess_amount_doc FROM excess
    UNION ALL
    SELECT valid_to, account_id, account_manager, currency, lane, -excess_amount_doc
    FROM excess
    WHERE valid_to IS NOT NULL
    UNION ALL
    SELECT valid_to, invoice_account_id, invoice_account_manager, currency, lane, excess_amount_doc
    FROM excess
    WHERE valid_to IS NOT NULL
),

in_range AS (
    SELECT moves.*
    FROM (SELECT * FROM moves UNION ALL SELECT * FROM excess_moves) AS moves
    CROSS JOIN bounds
    WHERE moves.move_date > bounds.first_date AND moves.move_date <= bounds.last_date
),

valued AS (
    SELECT
        cutoffs.snapshot_no,
        in_range.*,
        converted(in_range.amount_doc, rates.rate) AS amount
    FROM in_range
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = in_range.move_date
    LEFT JOIN core.daily_rates AS rates
        ON rates.currency = in_range.currency AND rates.rate_date = in_range.move_date
)

SELECT
    periods.period_month,
    valued.account_id,
    valued.account_manager,
    valued.currency,
    valued.lane,
    sum(valued.amount_doc)::DECIMAL(18, 4) AS amount_doc,
    complete_sum(valued.amount, true)::DECIMAL(18, 2) AS amount,
    CASE
        WHEN count(*) > count(valued.amount) THEN 'no rate for ' || valued.currency || ' at a document date'
    END AS amount_reason
FROM valued
JOIN core.receivable_snapshots AS snapshots USING (snapshot_no)
JOIN build.periods AS periods ON periods.period_month = snapshots.period_month
GROUP BY periods.period_month, valued.account_id, valued.account_manager, valued.currency, valued.lane
