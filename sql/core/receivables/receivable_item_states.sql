-- grain: invoice × instalment × state of the invoice
-- why: how the totals of a state fall on the instalments: cash, then write-offs, then credit notes, each on the named
--   instalment first, then on the earliest due. `end_snapshot_no` is the first month end that no longer sees the state
WITH single AS (
    SELECT
        states.invoice_id,
        1 AS instalment_no,
        NULL::DATE AS due_date,
        states.valid_from,
        states.first_snapshot_no,
        states.end_snapshot_no,
        states.gross_amount_doc AS amount_doc,
        least(states.cash_doc, states.gross_amount_doc) AS paid_doc,
        states.written_off_doc AS written_off_total,
        states.credited_doc AS credited_total
    FROM core.receivable_states AS states
    ANTI JOIN core.receivable_instalments AS instalments USING (invoice_id)
),

single_written_off AS (
    SELECT *, least(written_off_total, amount_doc - paid_doc) AS written_off_doc
    FROM single
),

single_credited AS (
    SELECT *, least(credited_total, amount_doc - paid_doc - written_off_doc) AS credited_doc
    FROM single_written_off
),

-- What settlements say of an instalment, as far as the invoice has one of that number.
named AS (
    SELECT
        states.invoice_id,
        states.valid_from,
        instalments.instalment_no,
        sum(
            CASE settlements.lane
                WHEN 'written_off' THEN 0 WHEN 'refunded' THEN -settlements.amount_doc ELSE settlements.amount_doc
            END
        ) AS named_cash,
        sum(CASE settlements.lane WHEN 'written_off' THEN settlements.amount_doc ELSE 0 END) AS named_write_off
    FROM core.receivable_instalments AS instalments
    JOIN core.receivable_settlements AS settlements USING (invoice_id, instalment_no)
    JOIN core.receivable_states AS states
        ON states.invoice_id = instalments.invoice_id AND settlements.applied_from <= states.valid_from
    GROUP BY ALL
),

parts AS (
    SELECT
        states.*,
        instalments.instalment_no,
        instalments.due_date,
        instalments.amount_doc,
        -- Below zero when more was refunded than came in.
        least(coalesce(named.named_cash, 0), instalments.amount_doc) AS own_cash,
        coalesce(named.named_write_off, 0) AS named_write_off
    FROM core.receivable_states AS states
    JOIN core.receivable_instalments AS instalments USING (invoice_id)
    LEFT JOIN named USING (invoice_id, valid_from, instalment_no)
),

cash_room AS (
    SELECT
        *,
        cash_doc - sum(own_cash) OVER invoice AS free_cash,
        coalesce(sum(amount_doc - own_cash) OVER due_before, 0) AS room_before,
        coalesce(sum(greatest(own_cash, 0)) OVER due_before, 0) AS returnable_before,
        sum(greatest(own_cash, 0)) OVER invoice AS returnable,
        row_number() OVER (PARTITION BY invoice_id, valid_from ORDER BY due_date, instalment_no) = 1 AS is_first
    FROM parts
    WINDOW
        invoice AS (PARTITION BY invoice_id, valid_from),
        due_before AS (
            PARTITION BY invoice_id, valid_from
            ORDER BY due_date, instalment_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

paid AS (
    SELECT
        *,
        CASE
            WHEN free_cash >= 0 THEN own_cash + greatest(least(free_cash - room_before, amount_doc - own_cash), 0)
            -- Refunds that name no instalment take back from the earliest due; what nobody paid reopens the first.
            ELSE own_cash
                - greatest(least(-free_cash - returnable_before, greatest(own_cash, 0)), 0)
                - CASE WHEN is_first THEN greatest(-free_cash - returnable, 0) ELSE 0 END
        END AS paid_doc
    FROM cash_room
),

write_off_room AS (
    SELECT *, least(named_write_off, amount_doc - paid_doc) AS own_write_off
    FROM paid
),

write_off_free AS (
    SELECT
        *,
        written_off_doc - sum(own_write_off) OVER invoice AS free_write_off,
        coalesce(sum(amount_doc - paid_doc - own_write_off) OVER due_before, 0) AS room_before_write_off
    FROM write_off_room
    WINDOW
        invoice AS (PARTITION BY invoice_id, valid_from),
        due_before AS (
            PARTITION BY invoice_id, valid_from
            ORDER BY due_date, instalment_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

written_off AS (
    SELECT
        *,
        own_write_off + greatest(
            least(free_write_off - room_before_write_off, amount_doc - paid_doc - own_write_off), 0
        ) AS item_written_off_doc
    FROM write_off_free
),

credit_room AS (
    SELECT
        *,
        amount_doc - paid_doc - item_written_off_doc AS room,
        coalesce(
            sum(amount_doc - paid_doc - item_written_off_doc) OVER (
                PARTITION BY invoice_id, valid_from
                ORDER BY due_date, instalment_no
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        ) AS room_before_credit
    FROM written_off
),

items AS (
    SELECT
        invoice_id, instalment_no, due_date, valid_from, first_snapshot_no, end_snapshot_no,
        amount_doc, paid_doc, written_off_doc, credited_doc
    FROM single_credited
    UNION ALL
    SELECT
        invoice_id, instalment_no, due_date, valid_from, first_snapshot_no, end_snapshot_no,
        amount_doc, paid_doc, item_written_off_doc, greatest(least(credited_doc - room_before_credit, room), 0)
    FROM credit_room
)

SELECT
    invoice_id,
    instalment_no,
    due_date,
    valid_from,
    first_snapshot_no,
    end_snapshot_no,
    amount_doc::DECIMAL(18, 4) AS amount_doc,
    paid_doc::DECIMAL(18, 4) AS paid_amount_doc,
    written_off_doc::DECIMAL(18, 4) AS written_off_amount_doc,
    credited_doc::DECIMAL(18, 4) AS credited_amount_doc,
    (amount_doc - paid_doc - written_off_doc - credited_doc)::DECIMAL(18, 4) AS outstanding_amount_doc
FROM items
