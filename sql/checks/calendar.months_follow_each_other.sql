-- invariant: Business months follow each other without a gap or an overlap.
-- if it fails: a sale in the gap counts in another month than the calendar says, and one in the overlap only in the
--   first; correct start_date and end_date in the calendar and close again.
-- severity: critical
-- owner: Data engineering
-- keys: period_month, start_date, end_date, previous_end_date
WITH months AS (
    SELECT
        period_month,
        start_date,
        end_date,
        lag(period_month) OVER (ORDER BY period_month) AS previous_month,
        lag(end_date) OVER (ORDER BY period_month) AS previous_end_date
    FROM core.calendar
),

broken AS (
    SELECT *
    FROM months
    WHERE end_date < start_date OR start_date <> previous_end_date + 1
)

-- A break belongs to the months on both sides of it.
SELECT periods.period_month, broken.start_date, broken.end_date, broken.previous_end_date
FROM broken
JOIN build.periods AS periods ON periods.period_month IN (broken.period_month, broken.previous_month)
