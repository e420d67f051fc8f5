-- why: a balance that no document explains is chased from the wrong customer, or from none
-- needs: invoices
SELECT
    period_month,
    'open items = ledger roll-forward' AS control,
    currency,
    'account ' || account_id AS item,
    outstanding_amount_doc AS left_amount,
    0 AS right_amount
FROM build.receivables_ageing
UNION ALL
SELECT
    period_month,
    'open items = ledger roll-forward',
    currency,
    'account ' || account_id,
    0,
    opening_amount_doc
    + invoiced_amount_doc
    - credited_amount_doc
    - received_amount_doc
    - discount_amount_doc
    - written_off_amount_doc
    + refunded_amount_doc
    + prior_period_adjustment_doc
FROM build.receivables_rollforward
