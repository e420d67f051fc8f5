-- fmt: off
-- invariant: Business months follow each other without a gap or an overlap.
-- if it fails: a sale in the gap counts in a different month than the calendar says, one in the overlap only in the
--   first; correct start_date and end_date in the calendar and close again.
-- severity: critical
-- owner: Data engineering
-- keys: period_month, start_date, end_date, previous_end_date
-- fmt: on
with
    months as (
        select
            period_month,
            start_date,
            end_date,
            lag(period_month) over (order by period_month) as previous_month,
            lag(end_date) over (order by period_month) as previous_end_date
        from core.calendar
    ),

    broken as (select * from months where end_date < start_date or start_date <> previous_end_date + 1)

-- A break belongs to the months on both sides of it.
select periods.period_month, broken.start_date, broken.end_date, broken.previous_end_date
from broken
join build.periods as periods on periods.period_month in (broken.period_month, broken.previous_month)
