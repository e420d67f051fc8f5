-- fmt: off
-- grain: period_month      from: core.feed_activity
-- why: months whose newest row of the feed is from well before their end
-- fmt: on
select
    periods.period_month,
    '{{ feed }}' as feed,
    max(activity.newest_date) as newest_date,
    any_value(periods.as_of_date) as as_of_date
from core.feed_activity as activity
join build.periods as periods on periods.period_month = activity.period_month
where activity.feed = '{{ feed }}'
group by periods.period_month
having
    sum(activity.row_count) >= {{ fewest_rows }}
    and max(activity.newest_date) < any_value(periods.as_of_date) - threshold('{{ rule }}')::integer
