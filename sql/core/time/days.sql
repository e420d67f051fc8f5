-- grain: calendar day
-- why: a date finds its business month by equality; a declared month wins over the calendar month it overlaps
WITH declared AS (
    SELECT
        unnest(generate_series(start_date, end_date, INTERVAL 1 DAY))::DATE AS calendar_date,
        period_month
    FROM core.calendar
    WHERE end_date >= start_date
),

calendar_months AS (
    SELECT
        unnest(generate_series(min(period_month), last_day(max(period_month)), INTERVAL 1 DAY))::DATE AS calendar_date
    FROM core.months
),

first_declared AS (
    SELECT calendar_date, min(period_month) AS period_month
    FROM declared
    GROUP BY calendar_date
)

SELECT
    calendar_months.calendar_date,
    coalesce(first_declared.period_month, date_trunc('month', calendar_months.calendar_date)::DATE) AS period_month
FROM calendar_months
LEFT JOIN first_declared USING (calendar_date)
ORDER BY calendar_months.calendar_date
