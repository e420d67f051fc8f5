-- fmt: off
-- grain: month built
-- why: the month ends between which a month's receivables move, and the window that its DSO looks back on
-- columns:
--   period_month        DATE
--   month_index         INTEGER
--   as_of_date          DATE
--   closing_no          INTEGER
--   opening_no          INTEGER
--   first_window_index  INTEGER
--   window_days         BIGINT
-- fmt: on
select
    periods.period_month,
    periods.month_index,
    periods.as_of_date,
    closing.snapshot_no as closing_no,
    opening.snapshot_no as opening_no,
    periods.month_index - settings.dso_window_months + 1 as first_window_index,
    periods.as_of_date - first_month.start_date + 1 as window_days
from build.periods as periods
cross join build.settings as settings
join core.receivable_snapshots as closing on closing.month_index = periods.month_index
join core.receivable_snapshots as opening on opening.month_index = periods.month_index - 1
join core.months as first_month on first_month.month_index = periods.month_index - settings.dso_window_months + 1
