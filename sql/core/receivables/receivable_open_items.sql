-- grain: month end × open item
-- why: what was open at each month end, in document and reporting currency; ageing, roll-forward and KPIs read this
--   alone, so they cannot disagree. Every row: original − paid − credited − written off = outstanding
WITH invoice_items AS (
    SELECT
        states.first_snapshot_no,
        states.end_snapshot_no,
        'invoice' AS item_type,
        documents.document_type,
        documents.invoice_id AS document_id,
        documents.line_no,
        states.instalment_no,
        documents.account_id,
        documents.account_manager,
        documents.document_date,
        coalesce(states.due_date, documents.due_date) AS due_date,
        CASE WHEN states.due_date IS NULL THEN documents.due_date_source ELSE 'instalment' END AS due_date_source,
        documents.currency,
        documents.disputed,
        states.amount_doc AS original_amount_doc,
        states.paid_amount_doc,
        states.credited_amount_doc,
        states.written_off_amount_doc,
        states.outstanding_amount_doc,
        NULL AS unapplied_reason
    FROM core.receivable_item_states AS states
    JOIN core.receivable_documents AS documents USING (invoice_id)
),

snapshot_end AS (
    SELECT max(snapshot_no) + 1 AS end_snapshot_no FROM core.receivable_snapshots
),

-- A settlement on its own: until the document it names is known, and afterwards when that one cannot take it.
unapplied AS (
    SELECT
        settlements.*,
        seen.snapshot_no AS first_snapshot_no,
        coalesce(known.snapshot_no, snapshot_end.end_snapshot_no) AS known_snapshot_no,
        snapshot_end.end_snapshot_no
    FROM core.receivable_settlements AS settlements
    JOIN core.receivable_cutoffs AS seen ON seen.calendar_date = settlements.document_date
    LEFT JOIN core.receivable_cutoffs AS known ON known.calendar_date = settlements.known_from
    CROSS JOIN snapshot_end
    WHERE
        seen.snapshot_no IS NOT NULL
        AND (settlements.applied_from IS NULL OR settlements.applied_from > settlements.document_date)
),

own_items AS (
    SELECT
        first_snapshot_no,
        known_snapshot_no AS end_snapshot_no,
        document_id, line_no, lane, account_id, account_manager, document_date, disputed, amount_doc,
        currency_before AS currency,
        amount_doc AS open_amount_doc,
        CASE WHEN invoice_id IS NULL THEN 'no invoice named' ELSE 'unknown invoice' END AS unapplied_reason
    FROM unapplied
    UNION ALL
    SELECT
        greatest(first_snapshot_no, known_snapshot_no),
        end_snapshot_no,
        document_id, line_no, lane, account_id, account_manager, document_date, disputed, amount_doc,
        currency,
        amount_doc,
        'other currency than the invoice'
    FROM unapplied
    WHERE applied_from IS NULL
    UNION ALL
    SELECT
        first_snapshot_no,
        end_snapshot_no,
        document_id, line_no, lane, account_id, account_manager, document_date, disputed, amount_doc,
        currency,
        excess_amount_doc,
        'more than the invoice'
    FROM core.receivable_excess
),

settlement_items AS (
    SELECT
        first_snapshot_no,
        end_snapshot_no,
        CASE WHEN lane = 'credited' THEN 'credit' ELSE 'unapplied_cash' END AS item_type,
        CASE lane
            WHEN 'received' THEN 'receipt' WHEN 'written_off' THEN 'write_off' WHEN 'refunded' THEN 'refund'
            WHEN 'credited' THEN 'credit_note' ELSE lane
        END AS document_type,
        document_id,
        line_no,
        1 AS instalment_no,
        account_id,
        account_manager,
        document_date,
        document_date AS due_date,
        'document date' AS due_date_source,
        currency,
        disputed,
        CASE WHEN lane = 'refunded' THEN amount_doc ELSE -amount_doc END AS original_amount_doc,
        CASE WHEN lane IN ('received', 'discount') THEN open_amount_doc - amount_doc ELSE 0 END AS paid_amount_doc,
        CASE WHEN lane = 'credited' THEN open_amount_doc - amount_doc ELSE 0 END AS credited_amount_doc,
        CASE WHEN lane = 'written_off' THEN open_amount_doc - amount_doc ELSE 0 END AS written_off_amount_doc,
        CASE WHEN lane = 'refunded' THEN open_amount_doc ELSE -open_amount_doc END AS outstanding_amount_doc,
        unapplied_reason
    FROM own_items
),

spans AS (
    SELECT * FROM invoice_items
    UNION ALL
    SELECT * FROM settlement_items
),

-- Rates of document dates are looked up once a span, and only open spans that see a month end are spread over months.
items AS (
    SELECT
        spans.* EXCLUDE (first_snapshot_no, end_snapshot_no),
        book.rate AS book_rate,
        snapshots.snapshot_no,
        snapshots.period_month,
        snapshots.as_of_date
    FROM spans
    LEFT JOIN core.daily_rates AS book
        ON book.currency = spans.currency AND book.rate_date = spans.document_date
    JOIN core.receivable_snapshots AS snapshots
        ON snapshots.snapshot_no >= spans.first_snapshot_no AND snapshots.snapshot_no < spans.end_snapshot_no
    WHERE spans.outstanding_amount_doc <> 0 AND spans.end_snapshot_no > spans.first_snapshot_no
),

-- With apply_unapplied = oldest_first, cash without an invoice is set against the oldest due items of its account and
-- currency, the oldest cash first. This is a view at the month end: nothing is settled by it.
cash_owners AS (
    SELECT DISTINCT snapshot_no, account_id, currency
    FROM items
    WHERE
        item_type = 'unapplied_cash' AND outstanding_amount_doc < 0
        AND (SELECT apply_unapplied FROM build.settings) = 'oldest_first'
),

matchable AS (
    SELECT
        items.*,
        outstanding_amount_doc < 0 AS is_cash,
        sum(abs(outstanding_amount_doc)) OVER (
            PARTITION BY snapshot_no, account_id, currency, outstanding_amount_doc < 0
            ORDER BY due_date, document_date, item_type, document_id, line_no, instalment_no
            ROWS UNBOUNDED PRECEDING
        ) - abs(outstanding_amount_doc) AS older_doc,
        sum(greatest(outstanding_amount_doc, 0)) OVER (PARTITION BY snapshot_no, account_id, currency) AS owed_doc,
        sum(greatest(-outstanding_amount_doc, 0)) OVER (PARTITION BY snapshot_no, account_id, currency) AS cash_doc
    FROM items
    SEMI JOIN cash_owners USING (snapshot_no, account_id, currency)
    WHERE item_type <> 'credit'
),

matches AS (
    SELECT
        snapshot_no, item_type, document_id, line_no, instalment_no,
        CASE
            WHEN is_cash THEN -greatest(least(owed_doc - older_doc, -outstanding_amount_doc), 0)
            ELSE greatest(least(cash_doc - older_doc, outstanding_amount_doc), 0)
        END AS matched_doc
    FROM matchable
),

settled AS (
    SELECT
        items.* EXCLUDE (paid_amount_doc, outstanding_amount_doc),
        items.paid_amount_doc + coalesce(matches.matched_doc, 0) AS paid_amount_doc,
        items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) AS outstanding_amount_doc
    FROM items
    LEFT JOIN matches USING (snapshot_no, item_type, document_id, line_no, instalment_no)
    WHERE items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) <> 0
),

buckets AS (
    SELECT
        list(bucket ORDER BY bucket_no) AS labels,
        list(upper_days ORDER BY bucket_no) FILTER (WHERE upper_days IS NOT NULL) AS upper_bounds
    FROM build.ageing_buckets
),

aged AS (
    SELECT
        settled.*,
        CASE WHEN settled.item_type = 'invoice' THEN settings.ageing_basis ELSE 'document_date' END AS bucket_basis,
        settled.as_of_date - settled.due_date AS days_overdue,
        CASE
            WHEN settled.item_type = 'invoice' AND settings.ageing_basis = 'due_date'
                THEN settled.as_of_date - settled.due_date
            ELSE settled.as_of_date - settled.document_date
        END AS age_days
    FROM settled
    CROSS JOIN build.settings AS settings
),

valued AS (
    SELECT
        aged.*,
        -- As many buckets lie below as have their upper end below the age.
        len(list_filter(buckets.upper_bounds, lambda upper_days: upper_days < aged.age_days)) AS bucket_no,
        buckets.labels,
        closing.closing_rate,
        closing.closing_rate_source,
        converted(aged.outstanding_amount_doc, closing.closing_rate) AS outstanding_amount,
        converted(aged.outstanding_amount_doc, aged.book_rate) AS book_amount
    FROM aged
    CROSS JOIN buckets
    LEFT JOIN core.month_rates AS closing
        ON closing.period_month = aged.period_month AND closing.currency = aged.currency
)

SELECT
    snapshot_no,
    period_month,
    as_of_date,
    item_type,
    document_type,
    document_id,
    line_no,
    instalment_no,
    account_id,
    account_manager,
    document_date,
    due_date,
    due_date_source,
    currency,
    disputed,
    original_amount_doc::DECIMAL(18, 4) AS original_amount_doc,
    paid_amount_doc::DECIMAL(18, 4) AS paid_amount_doc,
    credited_amount_doc::DECIMAL(18, 4) AS credited_amount_doc,
    written_off_amount_doc::DECIMAL(18, 4) AS written_off_amount_doc,
    outstanding_amount_doc::DECIMAL(18, 4) AS outstanding_amount_doc,
    unapplied_reason,
    closing_rate,
    closing_rate_source,
    outstanding_amount,
    CASE WHEN outstanding_amount IS NULL THEN 'no rate for ' || currency END AS rate_reason,
    book_amount,
    CASE WHEN book_amount IS NULL THEN 'no rate for ' || currency || ' at the document date' END AS book_rate_reason,
    days_overdue::BIGINT AS days_overdue,
    age_days::BIGINT AS age_days,
    bucket_basis,
    bucket_no,
    labels[bucket_no + 1] AS bucket
FROM valued
