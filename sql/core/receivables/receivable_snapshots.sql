-- grain: month end
-- why: open items are needed at the end of every month built and of the month before it, where it opens
SELECT
    (row_number() OVER (ORDER BY months.as_of_date))::INTEGER AS snapshot_no,
    months.period_month,
    months.month_index,
    months.as_of_date
FROM core.months AS months
WHERE
    months.month_index IN (SELECT month_index FROM build.periods)
    OR months.month_index IN (SELECT month_index - 1 FROM build.periods)
