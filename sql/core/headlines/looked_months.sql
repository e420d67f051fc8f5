-- fmt: off
-- grain: month built × month that its flags look back on
-- why: a month and the twelve before it, whatever is built together: then a month has the same flags each time
-- columns:
--   period_month  DATE
--   looked_month  DATE
--   start_date    DATE
--   as_of_date    DATE
--   month_index   INTEGER
--   months_ago    INTEGER
--   is_same_year  BOOLEAN
-- fmt: on
select
    periods.period_month,
    months.period_month as looked_month,
    months.start_date,
    months.as_of_date,
    months.month_index,
    (periods.month_index - months.month_index)::integer as months_ago,
    months.fiscal_year = periods.fiscal_year as is_same_year
from build.periods as periods
join core.months as months on months.month_index between periods.month_index - 12 and periods.month_index
