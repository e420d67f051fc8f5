-- fmt: off
-- why: readers see two balances for one account; a bucket lost or doubled an item
-- needs: receivables
-- fmt: on
with
    items as (
        -- A bucket with an item that has no rate has no amount in either table.
        select period_month, account_id, bucket_no, complete_sum(outstanding_amount, true) as amount
        from build.receivables_ageing
        group by period_month, account_id, bucket_no
    )

select
    period_month,
    'ageing buckets = open items' as control,
    '' as currency,
    'account ' || account_id as item,
    outstanding_amount as left_amount,
    0 as right_amount
from build.receivables_summary
union all
select period_month, 'ageing buckets = open items', '', 'account ' || account_id, 0, amount
from items
