-- fmt: off
-- grain: period_month × account_id      from: core.feed_activity
-- why: accounts with rows of the feed in each of the months before a month, and none in it
-- fmt: on
with
    of_the_feed as (
        select period_month, month_index, account_id, sum(row_count)::bigint as row_count
        from core.feed_activity
        where feed = '{{ feed }}'
        group by all
    ),

    before as (
        select
            periods.period_month,
            earlier.account_id,
            count(*) as month_count,
            sum(earlier.row_count)::bigint as row_count_before
        from of_the_feed as earlier
        join
            build.periods as periods
            on earlier.month_index between periods.month_index - {{ months }} and periods.month_index - 1
        semi join batch on batch.period_month = periods.period_month
        group by all
    )

select before.*
from before
anti join of_the_feed using (period_month, account_id)
where before.month_count = {{ months }}
