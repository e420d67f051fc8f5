-- grain: calendar day
-- why: the first month end that knows of a day, found by equality; no snapshot after the last one
SELECT
    days.calendar_date,
    months.month_index,
    snapshots.snapshot_no
FROM core.days AS days
ASOF JOIN core.months AS months ON months.as_of_date >= days.calendar_date
ASOF LEFT JOIN core.receivable_snapshots AS snapshots ON snapshots.as_of_date >= days.calendar_date
