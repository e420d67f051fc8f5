-- why: a payment or credit note of the month is missing from the balance, stands in it twice, or with the wrong account
-- needs: invoices
WITH days AS (
    SELECT days.calendar_date, periods.period_month
    FROM build.periods AS periods
    JOIN core.months AS before ON before.month_index = periods.month_index - 1
    JOIN core.days AS days
        ON days.calendar_date > before.as_of_date AND days.calendar_date <= periods.as_of_date
),

lanes AS (
    SELECT *
    FROM (
        VALUES
        ('receipt', 'received', 'receipts'),
        ('discount', 'discount', 'discounts'),
        ('write_off', 'written_off', 'write-offs'),
        ('refund', 'refunded', 'refunds'),
        ('credit_note', 'credited', 'credit notes')
    ) AS lanes (document_type, lane, documents)
),

documents AS (
    SELECT days.period_month, payments.payment_type AS document_type, account_id, currency, sum(amount) AS amount
    FROM core.payments AS payments
    JOIN days ON days.calendar_date = payments.payment_date
    GROUP BY ALL
    UNION ALL
    SELECT days.period_month, document_type, account_id, currency, sum(net_amount + tax_amount)
    FROM core.invoices AS invoices
    JOIN days ON days.calendar_date = invoices.invoice_date
    WHERE invoices.document_type = 'credit_note'
    GROUP BY ALL
),

-- What was paid for another account, or takes the currency of its invoice, moves there on the day it is applied …
applied AS (
    SELECT
        days.period_month, lane, account_id, currency_before, invoice_account_id, settlements.currency, amount_doc
    FROM core.receivable_settlements AS settlements
    JOIN days ON days.calendar_date = settlements.applied_from
    WHERE account_id <> invoice_account_id OR currency_before <> settlements.currency
),

-- … and what is more than the invoice moves back, for as many month ends as it is.
excess AS (
    SELECT first_snapshot_no, end_snapshot_no, lane, account_id, invoice_account_id, currency, excess_amount_doc
    FROM core.receivable_excess
    WHERE account_id <> invoice_account_id AND end_snapshot_no > first_snapshot_no
),

excess_changes AS (
    SELECT first_snapshot_no AS snapshot_no, * EXCLUDE (first_snapshot_no, end_snapshot_no) FROM excess
    UNION ALL
    SELECT end_snapshot_no, * EXCLUDE (first_snapshot_no, end_snapshot_no) REPLACE (-excess_amount_doc AS excess_amount_doc)
    FROM excess
),

moved AS (
    SELECT period_month, lane, account_id, currency_before AS currency, -amount_doc AS amount FROM applied
    UNION ALL
    SELECT period_month, lane, invoice_account_id, currency, amount_doc FROM applied
    UNION ALL
    SELECT period_month, lane, account_id, currency, excess_amount_doc
    FROM excess_changes
    JOIN core.receivable_snapshots USING (snapshot_no)
    UNION ALL
    SELECT period_month, lane, invoice_account_id, currency, -excess_amount_doc
    FROM excess_changes
    JOIN core.receivable_snapshots USING (snapshot_no)
),

sides AS (
    SELECT
        period_month,
        lanes.lane,
        account_id,
        coalesce(currency, settings.reporting_currency) AS currency,
        amount AS left_amount,
        0 AS right_amount
    FROM documents
    JOIN lanes USING (document_type)
    CROSS JOIN build.settings AS settings
    UNION ALL
    SELECT period_month, lane, account_id, currency, amount, 0
    FROM moved
    SEMI JOIN build.periods USING (period_month)
    UNION ALL
    SELECT period_month, lane, account_id, currency, 0, amount
    FROM (
        FROM build.receivables_rollforward
        UNPIVOT (
            amount FOR lane IN (
                received_amount_doc AS received,
                discount_amount_doc AS discount,
                written_off_amount_doc AS written_off,
                refunded_amount_doc AS refunded,
                credited_amount_doc AS credited
            )
        )
    )
    WHERE amount <> 0
)

SELECT
    sides.period_month,
    lanes.documents || ' of the month, where they settle = roll-forward, ' || lanes.lane AS control,
    sides.currency,
    'account ' || sides.account_id AS item,
    sides.left_amount,
    sides.right_amount
FROM sides
JOIN lanes USING (lane)
