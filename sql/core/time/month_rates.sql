-- grain: business month × currency
-- why: closing rates value what is owed, average rates what was sold (metrics, sections 1 and 2)
WITH rates AS (
    SELECT fx_rates.currency, fx_rates.rate_type, fx_rates.rate_date, fx_rates.rate, days.period_month
    FROM core.fx_rates AS fx_rates
    JOIN core.days AS days ON days.calendar_date = fx_rates.rate_date
),

closing AS (
    SELECT months.period_month, daily.currency, daily.rate, daily.rate_source
    FROM core.months AS months
    JOIN core.daily_rates AS daily ON daily.rate_date = months.as_of_date
),

-- An average rate is dated anywhere in its month; the latest one given counts.
given_average AS (
    SELECT period_month, currency, arg_max(rate, rate_date) AS rate
    FROM rates
    WHERE rate_type = 'average'
    GROUP BY period_month, currency
),

mean_of_spot AS (
    SELECT
        period_month,
        currency,
        (sum(rate)::DECIMAL(38, 8)::DOUBLE / count(*))::DECIMAL(18, 8) AS rate
    FROM rates
    WHERE rate_type = 'spot'
    GROUP BY period_month, currency
),

before_month AS (
    SELECT months.period_month, daily.currency, daily.rate
    FROM core.months AS months
    JOIN core.daily_rates AS daily ON daily.rate_date = months.start_date
)

SELECT
    closing.period_month,
    closing.currency,
    closing.rate AS closing_rate,
    closing.rate_source AS closing_rate_source,
    CASE
        WHEN closing.rate_source = 'reporting' THEN 1
        ELSE coalesce(given_average.rate, mean_of_spot.rate, before_month.rate, closing.rate)
    END::DECIMAL(18, 8) AS average_rate
FROM closing
LEFT JOIN given_average USING (period_month, currency)
LEFT JOIN mean_of_spot USING (period_month, currency)
LEFT JOIN before_month USING (period_month, currency)
