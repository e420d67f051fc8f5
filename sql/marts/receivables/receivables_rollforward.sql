-- grain: period_month, account_id, currency
-- why: what explains the change of the balance. Lanes come from documents and payments, the closing from open items: two
--   routes that must meet, and difference_doc says by how much they do not.
-- method: receivables-rollforward-1
-- needs: invoices
-- columns:
--   period_month                    DATE           The month closed, as its first day
--   account_id                      VARCHAR        The customer account
--   account_name                    VARCHAR        Name of the account
--   account_manager                 VARCHAR        Manager of the account
--   currency                        VARCHAR        Currency of the documents
--   opening_amount_doc              DECIMAL(18,4)  Closing of the month before as it was published; as known now where that month was never closed
--   invoiced_amount_doc             DECIMAL(18,4)  Invoices and debit notes dated in the month, tax included
--   credited_amount_doc             DECIMAL(18,4)  Credit notes of the month; on the invoice's account, an excess on the credit note's
--   received_amount_doc             DECIMAL(18,4)  Receipts of the month; on the settled invoice's account, an excess on the payer's. Below zero where cash held for an account moves to the invoice of another
--   discount_amount_doc             DECIMAL(18,4)  Discounts taken in the month
--   written_off_amount_doc          DECIMAL(18,4)  Write-offs of the month
--   refunded_amount_doc             DECIMAL(18,4)  Refunds of the month
--   prior_period_adjustment_doc     DECIMAL(18,4)  Documents that arrived late for closed months := opening as known now − opening_amount_doc
--   closing_amount_doc              DECIMAL(18,4)  Sum of the open items
--   difference_doc                  DECIMAL(18,4)  Zero, or the close stops := opening + invoiced − credited − received − discount − written off + refunded + prior period adjustment − closing
--   opening_amount                  DECIMAL(18,2)  The opening in the reporting currency, at the rate of the month end before
--   movement_amount                 DECIMAL(18,2)  All lanes together in the reporting currency, each document at the rate of its date
--   prior_period_adjustment_amount  DECIMAL(18,2)  The prior period adjustment in the reporting currency, at the rate of the month end before
--   fx_difference_amount            DECIMAL(18,2)  Change of rates, and rounding := closing_amount − opening_amount − movement_amount − prior_period_adjustment_amount
--   closing_amount                  DECIMAL(18,2)  Sum of the open items, each at the closing rate and rounded
--   amount_reason                   VARCHAR        Why amounts in the reporting currency are empty
WITH balances AS (
    SELECT
        snapshot_no,
        account_id,
        currency,
        sum(outstanding_amount_doc)::DECIMAL(18, 4) AS amount_doc,
        complete_sum(outstanding_amount, true)::DECIMAL(18, 2) AS amount,
        min(rate_reason) AS amount_reason
    FROM core.receivable_open_items
    GROUP BY snapshot_no, account_id, currency
),

boundaries AS (
    SELECT
        periods.period_month,
        periods.previous_version,
        closing.snapshot_no AS closing_no,
        opening.snapshot_no AS opening_no,
        opening.period_month AS opening_month
    FROM build.periods AS periods
    JOIN core.receivable_snapshots AS closing ON closing.month_index = periods.month_index
    JOIN core.receivable_snapshots AS opening ON opening.month_index = periods.month_index - 1
),

published AS (
    SELECT
        boundaries.period_month,
        rollforward.account_id,
        rollforward.currency,
        rollforward.closing_amount_doc AS amount_doc,
        rollforward.closing_amount AS amount,
        rollforward.amount_reason
    FROM marts.receivables_rollforward AS rollforward
    JOIN boundaries
        ON rollforward.period_month = boundaries.opening_month
        AND rollforward.close_version = boundaries.previous_version
    -- An account that closed at zero has nothing to open with, and no row for that alone.
    WHERE rollforward.closing_amount_doc <> 0 OR rollforward.closing_amount <> 0
),

-- One column a part of the roll-forward; a part that an account does not have is zero, not unknown.
parts AS (
    SELECT
        boundaries.period_month, balances.account_id, balances.currency, 'closing' AS part,
        balances.amount_doc, balances.amount, balances.amount_reason
    FROM balances
    JOIN boundaries ON boundaries.closing_no = balances.snapshot_no
    UNION ALL
    SELECT
        boundaries.period_month, balances.account_id, balances.currency, 'known opening',
        balances.amount_doc, balances.amount, balances.amount_reason
    FROM balances
    JOIN boundaries ON boundaries.opening_no = balances.snapshot_no
    UNION ALL
    SELECT
        boundaries.period_month, balances.account_id, balances.currency, 'opening',
        balances.amount_doc, balances.amount, balances.amount_reason
    FROM balances
    JOIN boundaries ON boundaries.opening_no = balances.snapshot_no
    WHERE boundaries.previous_version IS NULL
    UNION ALL
    SELECT
        period_month, account_id, currency, 'opening',
        amount_doc, amount, CASE WHEN amount IS NULL THEN amount_reason END
    FROM published
    UNION ALL
    SELECT period_month, account_id, currency, lane, amount_doc, amount, amount_reason
    FROM core.receivable_movements
),

totals AS (
    SELECT
        period_month,
        account_id,
        currency,
        sum(CASE part WHEN 'opening' THEN amount_doc ELSE 0 END) AS opening_amount_doc,
        sum(CASE part WHEN 'known opening' THEN amount_doc ELSE 0 END) AS known_opening_doc,
        sum(CASE part WHEN 'invoiced' THEN amount_doc ELSE 0 END) AS invoiced_amount_doc,
        sum(CASE part WHEN 'credited' THEN amount_doc ELSE 0 END) AS credited_amount_doc,
        sum(CASE part WHEN 'received' THEN amount_doc ELSE 0 END) AS received_amount_doc,
        sum(CASE part WHEN 'discount' THEN amount_doc ELSE 0 END) AS discount_amount_doc,
        sum(CASE part WHEN 'written_off' THEN amount_doc ELSE 0 END) AS written_off_amount_doc,
        sum(CASE part WHEN 'refunded' THEN amount_doc ELSE 0 END) AS refunded_amount_doc,
        sum(CASE part WHEN 'closing' THEN amount_doc ELSE 0 END) AS closing_amount_doc,
        complete_sum(amount, part = 'opening') AS opening_amount,
        complete_sum(amount, part = 'known opening') AS known_opening_amount,
        complete_sum(amount, part = 'closing') AS closing_amount,
        complete_sum(
            CASE WHEN part IN ('invoiced', 'refunded') THEN amount ELSE -amount END,
            part NOT IN ('closing', 'opening', 'known opening')
        ) AS movement_amount,
        min(amount_reason) AS amount_reason
    FROM parts
    GROUP BY period_month, account_id, currency
)

SELECT
    totals.period_month,
    totals.account_id,
    coalesce(accounts.account_name, 'unknown') AS account_name,
    coalesce(accounts.account_manager, 'unknown') AS account_manager,
    totals.currency,
    totals.opening_amount_doc,
    totals.invoiced_amount_doc,
    totals.credited_amount_doc,
    totals.received_amount_doc,
    totals.discount_amount_doc,
    totals.written_off_amount_doc,
    totals.refunded_amount_doc,
    totals.known_opening_doc - totals.opening_amount_doc AS prior_period_adjustment_doc,
    totals.closing_amount_doc,
    totals.known_opening_doc
    + totals.invoiced_amount_doc
    - totals.credited_amount_doc
    - totals.received_amount_doc
    - totals.discount_amount_doc
    - totals.written_off_amount_doc
    + totals.refunded_amount_doc
    - totals.closing_amount_doc AS difference_doc,
    totals.opening_amount,
    totals.movement_amount,
    totals.known_opening_amount - totals.opening_amount AS prior_period_adjustment_amount,
    totals.closing_amount - totals.known_opening_amount - totals.movement_amount AS fx_difference_amount,
    totals.closing_amount,
    totals.amount_reason
FROM totals
LEFT JOIN core.accounts AS accounts ON accounts.account_id = totals.account_id
