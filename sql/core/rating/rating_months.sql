-- fmt: off
-- grain: business month
-- why: the months that ratings and flags look back on: the twelve before each month built, and its fiscal year to date
-- columns:
--   period_month  DATE
--   as_of_date    DATE
--   month_index   INTEGER
-- fmt: on
select months.period_month, months.as_of_date, months.month_index
from core.months as months
where
    exists (
        select 1
        from build.periods as periods
        where
            months.month_index <= periods.month_index
            and (
                months.month_index >= periods.month_index - 12 or months.period_month >= periods.fiscal_year_first_month
            )
    )
order by months.period_month
