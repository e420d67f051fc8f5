-- fmt: off
-- invariant: What a bucket held a month ago is the sum of where it went, and the shares of a bucket add up to 1.
-- finding: What {n} (bucket|buckets) held a month ago does not add up to where it went
-- if it fails: the share of a bucket that was paid or became older is wrong; an item went nowhere, or to two places.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, from_bucket, from_amount, added_amount, added_ratio
-- fmt: on
select
    period_month,
    account_id,
    from_bucket,
    min(from_amount) as from_amount,
    sum(amount) as added_amount,
    sum(roll_ratio) as added_ratio
from build.receivables_roll_rates
where from_amount is not null
group by period_month, account_id, from_bucket
having
    min(from_amount) <> max(from_amount)
    or added_amount <> min(from_amount)
    -- Each share is rounded to six digits; one far beyond 1 has fewer.
    or abs(added_ratio - 1) > count(*) * (0.000001 + 0.000000000001 * max(abs(roll_ratio)))
