-- fmt: off
-- invariant: The ageing buckets of an account add up to its open items.
-- finding: The ageing buckets of {n} (account do|accounts do) not add up to the open items
-- if it fails: readers see two balances for one account; the summary's model lost or doubled items.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, bucket_amount, item_amount, bucket_item_count, item_count
-- fmt: on
with
    items as (
        select period_month, account_id, complete_sum(outstanding_amount, true) as item_amount, count(*) as item_count
        from build.receivables_ageing
        group by period_month, account_id
    ),

    buckets as (
        select
            period_month,
            account_id,
            complete_sum(outstanding_amount, true) as bucket_amount,
            sum(item_count)::bigint as bucket_item_count
        from build.receivables_summary
        group by period_month, account_id
    )

select *
from items
full join buckets using (period_month, account_id)
where bucket_amount is distinct from item_amount or bucket_item_count is distinct from item_count
