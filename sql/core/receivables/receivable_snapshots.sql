-- fmt: off
-- grain: month end
-- why: open items are needed at the end of every month built, of the month before it, where it opens, and of the months
--   that its flags look back on
-- columns:
--   snapshot_no   INTEGER
--   period_month  DATE
--   month_index   INTEGER
--   as_of_date    DATE
-- fmt: on
select
    (row_number() over (order by months.as_of_date))::integer as snapshot_no,
    months.period_month,
    months.month_index,
    months.as_of_date
from core.months as months
where
    exists (
        select 1
        from build.periods as periods
        where months.month_index between periods.month_index - 12 and periods.month_index
    )
