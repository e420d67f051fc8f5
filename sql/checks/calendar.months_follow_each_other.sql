-- fmt: off
-- invariant: Business months follow each other without a gap or an overlap, those that the calendar does not have too.
-- finding: {n} business (month has|months have) a gap or an overlap with the month before
-- if it fails: a sale in the gap counts in a different month than the calendar says, one in the overlap only in the
--   first; correct start_date and end_date in the calendar, or add the months that it lacks, and close again.
-- severity: critical
-- owner: Data engineering
-- keys: period_month, start_date, end_date, previous_end_date
-- fmt: on
with
    months as (
        select
            months.period_month,
            months.start_date,
            months.as_of_date as end_date,
            lag(months.period_month) over in_order as previous_month,
            lag(months.as_of_date) over in_order as previous_end_date,
            calendar.period_month is not null or lag(calendar.period_month) over in_order is not null as is_declared
        from core.months as months
        left join core.calendar as calendar on calendar.period_month = months.period_month
        window in_order as (order by months.period_month)
    ),

    broken as (
        select * from months where is_declared and (end_date < start_date or start_date <> previous_end_date + 1)
    )

-- A break belongs to the months on both sides of it.
select periods.period_month, broken.start_date, broken.end_date, broken.previous_end_date
from broken
join build.periods as periods on periods.period_month in (broken.period_month, broken.previous_month)
