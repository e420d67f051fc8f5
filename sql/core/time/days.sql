-- fmt: off
-- grain: calendar day
-- why: a date finds its business month by equality; a declared month wins over the calendar month it overlaps
-- columns:
--   calendar_date  DATE
--   period_month   DATE
-- fmt: on
with
    declared as (
        select unnest(generate_series(start_date, end_date, interval 1 day))::date as calendar_date, period_month
        from core.calendar
        where end_date >= start_date
    ),

    calendar_months as (
        select
            unnest(generate_series(min(period_month), last_day(max(period_month)), interval 1 day))::date
            as calendar_date
        from core.months
    ),

    first_declared as (select calendar_date, min(period_month) as period_month from declared group by calendar_date)

select
    calendar_months.calendar_date,
    coalesce(first_declared.period_month, date_trunc('month', calendar_months.calendar_date)::date) as period_month
from calendar_months
left join first_declared using (calendar_date)
order by calendar_months.calendar_date
