-- why: readers see two balances for one account; a bucket lost or doubled an item
-- needs: invoices
WITH items AS (
    -- A bucket with an item that has no rate has no amount in either table.
    SELECT period_month, account_id, bucket_no, complete_sum(outstanding_amount, true) AS amount
    FROM build.receivables_ageing
    GROUP BY period_month, account_id, bucket_no
)

SELECT
    period_month,
    'ageing buckets = open items' AS control,
    '' AS currency,
    'account ' || account_id AS item,
    outstanding_amount AS left_amount,
    0 AS right_amount
FROM build.receivables_summary
UNION ALL
SELECT period_month, 'ageing buckets = open items', '', 'account ' || account_id, 0, amount FROM items
