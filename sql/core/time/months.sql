-- grain: business month
-- why: the calendar every date is mapped through, so that a 4-4-5 calendar works like calendar months
WITH bounds AS (
    SELECT
        date_trunc('month', first_date) - INTERVAL 36 MONTH AS first_month,
        date_trunc('month', last_date) + INTERVAL 13 MONTH AS last_month
    FROM build.data_range
),

spine AS (
    SELECT unnest(generate_series(first_month, last_month, INTERVAL 1 MONTH))::DATE AS period_month
    FROM bounds
),

fiscal AS (
    SELECT
        spine.period_month,
        coalesce(calendar.start_date, spine.period_month) AS start_date,
        coalesce(calendar.end_date, last_day(spine.period_month)) AS as_of_date,
        coalesce(
            calendar.fiscal_year,
            year(spine.period_month)
            + (month(spine.period_month) >= settings.fiscal_year_start_month AND settings.fiscal_year_start_month > 1)::INT
        ) AS fiscal_year,
        coalesce(
            calendar.fiscal_quarter,
            (month(spine.period_month) - settings.fiscal_year_start_month + 12) % 12 // 3 + 1
        ) AS fiscal_quarter,
        year(spine.period_month) * 12 + month(spine.period_month) AS month_index
    FROM spine
    CROSS JOIN build.settings AS settings
    LEFT JOIN core.calendar AS calendar ON calendar.period_month = spine.period_month
)

SELECT
    period_month,
    start_date,
    as_of_date,
    fiscal_year::INTEGER AS fiscal_year,
    fiscal_quarter::INTEGER AS fiscal_quarter,
    min(period_month) OVER (PARTITION BY fiscal_year) AS fiscal_year_first_month,
    month_index::INTEGER AS month_index
FROM fiscal
ORDER BY period_month
