-- invariant: The ageing buckets of an account add up to its open items.
-- if it fails: readers see two balances for one account; the summary's model lost or doubled items.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, bucket_amount, item_amount, bucket_item_count, item_count
WITH items AS (
    SELECT period_month, account_id, complete_sum(outstanding_amount, true) AS item_amount, count(*) AS item_count
    FROM build.receivables_ageing
    GROUP BY period_month, account_id
),

buckets AS (
    SELECT
        period_month,
        account_id,
        complete_sum(outstanding_amount, true) AS bucket_amount,
        sum(item_count)::BIGINT AS bucket_item_count
    FROM build.receivables_summary
    GROUP BY period_month, account_id
)

SELECT *
FROM items
FULL JOIN buckets USING (period_month, account_id)
WHERE bucket_amount IS DISTINCT FROM item_amount OR bucket_item_count IS DISTINCT FROM item_count
