-- fmt: off
-- invariant: No fiscal year of the calendar is longer than 53 weeks.
-- finding: {n} fiscal (year of the calendar is|years of the calendar are) longer than 53 weeks
-- if it fails: the year to date counts months of another year, or the year is of thirteen periods, which months cannot
--   show; correct fiscal_year, start_date and end_date in the calendar and close again.
-- severity: critical
-- owner: Data engineering
-- keys: fiscal_year, first_date, last_date, day_count
-- fmt: on
with
    years as (
        select
            months.fiscal_year,
            min(months.start_date) as first_date,
            max(months.as_of_date) as last_date,
            max(months.as_of_date) - min(months.start_date) + 1 as day_count
        from core.months as months
        group by months.fiscal_year
        having bool_or(months.period_month in (select period_month from core.calendar))
    )

select periods.period_month, years.fiscal_year, years.first_date, years.last_date, years.day_count
from years
join build.periods as periods using (fiscal_year)
where years.day_count > 53 * 7
