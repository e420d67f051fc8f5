-- fmt: off
-- grain: row of the feed      from: core.newest_dates, the feed
-- why: rows whose date lies far behind all others; a feed that goes on without a gap is ahead of them, not wrong
-- fmt: on
with
    others as (select max(newest_date) as newest_date from core.newest_dates where feed <> '{{ feed }}'),

    ahead as (
        select distinct feed.{{ date }} as date_ahead, others.newest_date
        from core.{{ feed }} as feed
        join others on feed.{{ date }} > others.newest_date
    ),

    gaps as (
        select date_ahead, coalesce(lag(date_ahead) over (order by date_ahead), newest_date) as last_date from ahead
    ),

    first_after_gap as (
        select min(date_ahead) as date_ahead, min(last_date) as last_date
        from gaps
        where date_ahead - last_date > threshold('{{ rule }}')
    )

select null::date as period_month, feed.*, first_after_gap.last_date
from core.{{ feed }} as feed
join first_after_gap on feed.{{ date }} >= first_after_gap.date_ahead
