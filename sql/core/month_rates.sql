-- grain: business month × currency
-- why: closing rates value what is owed, average rates what was sold, budget rates what was planned (metrics, sections 1 and 2)
WITH rates AS (
    SELECT fx_rates.currency, fx_rates.rate_type, fx_rates.rate_date, fx_rates.rate, days.period_month
    FROM core.fx_rates AS fx_rates
    JOIN core.days AS days ON days.calendar_date = fx_rates.rate_date
),

closing AS (
    SELECT months.period_month, months.as_of_date, daily.currency, daily.rate, daily.rate_source
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
),

budget AS (
    SELECT currency, rate_date, rate FROM core.fx_rates WHERE rate_type = 'budget'
),

joined AS (
    SELECT
        closing.period_month,
        closing.as_of_date,
        closing.currency,
        closing.rate AS closing_rate,
        closing.rate_source AS closing_rate_source,
        CASE
            WHEN closing.rate_source = 'reporting' THEN 1
            ELSE coalesce(given_average.rate, mean_of_spot.rate, before_month.rate, closing.rate)
        END AS average_rate
    FROM closing
    LEFT JOIN given_average USING (period_month, currency)
    LEFT JOIN mean_of_spot USING (period_month, currency)
    LEFT JOIN before_month USING (period_month, currency)
)

SELECT
    joined.period_month,
    joined.currency,
    joined.closing_rate,
    joined.closing_rate_source,
    joined.average_rate::DECIMAL(18, 8) AS average_rate,
    CASE WHEN joined.closing_rate_source = 'reporting' THEN 1 ELSE budget.rate END::DECIMAL(18, 8) AS budget_rate
FROM joined
ASOF LEFT JOIN budget ON budget.currency = joined.currency AND budget.rate_date <= joined.as_of_date
