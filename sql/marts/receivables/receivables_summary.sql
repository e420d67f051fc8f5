-- fmt: off
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
-- fmt: on
with
    totals as (
        select
            period_month,
            account_id,
            bucket_no,
            bucket,
            complete_sum(outstanding_amount, true) as outstanding_amount,
            min(rate_reason) as outstanding_amount_reason,
            count(*) as item_count,
            complete_sum(outstanding_amount, disputed) as disputed_amount,
            min(case when disputed then rate_reason end) as disputed_amount_reason
        from core.receivable_open_items
        semi join build.periods using (period_month)
        group by period_month, account_id, bucket_no, bucket
    )

select
    totals.*,
    coalesce(accounts.account_name, 'unknown') as account_name,
    coalesce(accounts.account_manager, 'unknown') as account_manager
from totals
left join core.accounts as accounts on accounts.account_id = totals.account_id
