-- fmt: off
-- grain: month end
-- why: open items are needed at the end of every month built and of the month before it, where it opens
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
    months.month_index in (select month_index from build.periods)
    or months.month_index in (select month_index - 1 from build.periods)
