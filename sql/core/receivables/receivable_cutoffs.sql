-- fmt: off
-- grain: calendar day
-- why: the first month end that knows of a day, found by equality; no snapshot after the last one
-- columns:
--   calendar_date  DATE
--   month_index    INTEGER
--   snapshot_no    INTEGER
-- fmt: on
select days.calendar_date, months.month_index, snapshots.snapshot_no
from core.days as days
asof join core.months as months on months.as_of_date >= days.calendar_date
asof left join core.receivable_snapshots as snapshots on snapshots.as_of_date >= days.calendar_date
