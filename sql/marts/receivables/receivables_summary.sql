-- grain: period_month, account_id, bucket
-- why: who owes how much how late; the buckets of an account add up to its open items.
-- method: receivables-ageing-1
-- needs: invoices
-- columns:
--   period_month               DATE           The month closed, as its first day
--   account_id                 VARCHAR        The customer account
--   account_name               VARCHAR        Name of the account
--   account_manager            VARCHAR        Manager of the account
--   bucket_no                  BIGINT         Position of the bucket, 0 is current
--   bucket                     VARCHAR        Ageing bucket
--   outstanding_amount         DECIMAL(18,2)  Open at the month end, credits and unapplied cash taken off
--   outstanding_amount_reason  VARCHAR        Why outstanding_amount is empty
--   item_count                 BIGINT         Open items
--   disputed_amount            DECIMAL(18,2)  Of outstanding_amount, what the customer disputes
--   disputed_amount_reason     VARCHAR        Why disputed_amount is empty
WITH totals AS (
    SELECT
        period_month,
        account_id,
        bucket_no,
        bucket,
        complete_sum(outstanding_amount, true) AS outstanding_amount,
        min(rate_reason) AS outstanding_amount_reason,
        count(*) AS item_count,
        complete_sum(outstanding_amount, disputed) AS disputed_amount,
        min(CASE WHEN disputed THEN rate_reason END) AS disputed_amount_reason
    FROM core.receivable_open_items
    SEMI JOIN build.periods USING (period_month)
    GROUP BY period_month, account_id, bucket_no, bucket
)

SELECT
    totals.*,
    coalesce(accounts.account_name, 'unknown') AS account_name,
    coalesce(accounts.account_manager, 'unknown') AS account_manager
FROM totals
LEFT JOIN core.accounts AS accounts ON accounts.account_id = totals.account_id
