-- grain: settlement × state of its invoice, where a part of it is more than the invoice could take
-- why: the excess stays open with whoever paid or was credited; it is taken from the newest settlement of its kind
WITH excess AS (
    SELECT
        invoice_id,
        valid_from,
        valid_to,
        first_snapshot_no,
        end_snapshot_no,
        greatest(cash_doc - gross_amount_doc, 0) AS cash_excess,
        greatest(written_off_doc - greatest(gross_amount_doc - cash_doc, 0), 0) AS write_off_excess,
        greatest(credited_doc - greatest(gross_amount_doc - cash_doc - written_off_doc, 0), 0) AS credit_excess
    FROM core.receivable_states
    WHERE gross_amount_doc - cash_doc - written_off_doc - credited_doc < 0
),

by_kind AS (
    SELECT * EXCLUDE (cash_excess, write_off_excess, credit_excess), 'cash' AS kind, cash_excess AS excess_doc
    FROM excess
    UNION ALL
    SELECT * EXCLUDE (cash_excess, write_off_excess, credit_excess), 'written_off', write_off_excess FROM excess
    UNION ALL
    SELECT * EXCLUDE (cash_excess, write_off_excess, credit_excess), 'credited', credit_excess FROM excess
),

settlements AS (
    SELECT *, CASE WHEN lane IN ('received', 'discount') THEN 'cash' ELSE lane END AS kind
    FROM core.receivable_settlements
    WHERE applied_from IS NOT NULL AND lane <> 'refunded'
),

newest_first AS (
    SELECT
        settlements.document_id,
        settlements.line_no,
        settlements.lane,
        settlements.account_id,
        settlements.account_manager,
        settlements.currency,
        settlements.document_date,
        settlements.disputed,
        settlements.amount_doc,
        settlements.invoice_account_id,
        settlements.invoice_account_manager,
        by_kind.valid_from,
        by_kind.valid_to,
        by_kind.first_snapshot_no,
        by_kind.end_snapshot_no,
        by_kind.excess_doc,
        -- Of one day, money comes before a discount: the excess can then be paid back.
        coalesce(sum(settlements.amount_doc) OVER (
            PARTITION BY by_kind.invoice_id, by_kind.kind, by_kind.valid_from
            ORDER BY
                settlements.document_date DESC,
                settlements.lane DESC,
                settlements.document_id DESC,
                settlements.line_no DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS newer_doc
    FROM by_kind
    JOIN settlements
        ON settlements.invoice_id = by_kind.invoice_id
        AND settlements.kind = by_kind.kind
        AND settlements.applied_from <= by_kind.valid_from
    WHERE by_kind.excess_doc > 0
)

SELECT
    * EXCLUDE (excess_doc, newer_doc),
    least(excess_doc - newer_doc, amount_doc)::DECIMAL(18, 4) AS excess_amount_doc
FROM newest_first
WHERE excess_doc > newer_doc AND amount_doc > 0
