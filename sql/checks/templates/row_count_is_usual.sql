-- fmt: off
-- grain: period_month      from: core.feed_activity
-- why: months whose number of rows of the feed is far from the mean of up to 12 months before
-- fmt: on
with
    of_the_feed as (
        select period_month, month_index, sum(row_count)::bigint as row_count
        from core.feed_activity
        where feed = '{{ feed }}'
        group by all
    ),

    usual as (
        select periods.period_month, avg(earlier.row_count) as usual_row_count
        from of_the_feed as earlier
        join
            build.periods as periods on earlier.month_index between periods.month_index - 12 and periods.month_index - 1
        group by periods.period_month
        having count(*) >= {{ fewest_months }} and avg(earlier.row_count) >= {{ fewest_rows }}
    )

select period_month, '{{ feed }}' as feed, row_count, round(usual_row_count)::bigint as usual_row_count
from of_the_feed
join usual using (period_month)
where abs(row_count - usual_row_count) > threshold('{{ rule }}') * usual_row_count
