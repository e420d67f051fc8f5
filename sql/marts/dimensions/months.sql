-- fmt: off
-- grain: period_month
-- why: the closed months and their place in the calendar and the fiscal year
-- method: months-1
-- when read: is_newest = mart.period_month = (SELECT max(period_month) FROM ops.shown_closes)
-- lines: core.calendar by period_month
-- columns:
--   period_month          DATE
--   start_date            DATE     First day of the month
--   as_of_date            DATE     Last day of the month: nothing dated later is known
--   fiscal_year           INTEGER  [number; none] Fiscal year, named by the year it ends in
--   fiscal_quarter        INTEGER
--   month_of_fiscal_year  INTEGER  [number; none] Position of the month in its fiscal year, 1 for the first
--   working_days          INTEGER  [days; sum] Working days that the calendar names, else Mondays to Fridays
--   is_newest             BOOLEAN  Whether no later month is closed
-- fmt: on
with
    weekdays as (
        select periods.period_month, count_if(isodow(days.calendar_date) < 6) as working_days
        from build.periods as periods
        join core.days as days on days.period_month = periods.period_month
        group by periods.period_month
    )

select
    periods.period_month,
    periods.start_date,
    periods.as_of_date,
    periods.fiscal_year,
    periods.fiscal_quarter,
    datediff('month', periods.fiscal_year_first_month, periods.period_month) + 1 as month_of_fiscal_year,
    coalesce(calendar.working_days, weekdays.working_days) as working_days,
    -- It changes with later closes, so that it is found when the table is read.
    null as is_newest
from build.periods as periods
join weekdays on weekdays.period_month = periods.period_month
left join core.calendar as calendar on calendar.period_month = periods.period_month
