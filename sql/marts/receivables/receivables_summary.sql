-- fmt: off
-- grain: period_month, account_id, bucket
-- why: who owes how much, and how late; the buckets of an account add up to its open items.
-- method: receivables-ageing-1
-- needs: receivables
-- lines: core.receivable_open_items by period_month, account_id, bucket_no sums outstanding_amount, item_count = 1, disputed_amount =
--     case when disputed then outstanding_amount end
-- columns:
--   period_month               DATE
--   account_id                 VARCHAR
--   account_name               VARCHAR
--   account_manager            VARCHAR
--   bucket_no                  BIGINT
--   bucket                     VARCHAR
--   outstanding_amount         DECIMAL(32,2)
--   outstanding_amount_reason  VARCHAR
--   item_count                 BIGINT         [count; last in time] Open items
--   disputed_amount            DECIMAL(32,2)  [reporting currency; last in time; less is better] Of outstanding_amount, what the customer disputes
--   disputed_amount_reason     VARCHAR
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

select totals.*, known(accounts.account_name) as account_name, known(accounts.account_manager) as account_manager
from totals
left join core.accounts as accounts on accounts.account_id = totals.account_id
