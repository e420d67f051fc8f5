-- grain: currency × day
-- why: the rate of any day by equality: the latest spot rate by then, else the latest average rate by then
WITH currencies AS (
    SELECT DISTINCT currency
    FROM core.fx_rates
    WHERE currency <> (SELECT reporting_currency FROM build.settings)
),

wanted AS (
    SELECT currencies.currency, days.calendar_date AS rate_date
    FROM core.days AS days
    CROSS JOIN currencies
),

spot AS (
    SELECT currency, rate_date, rate FROM core.fx_rates WHERE rate_type = 'spot'
),

average AS (
    SELECT currency, rate_date, rate FROM core.fx_rates WHERE rate_type = 'average'
),

found AS (
    SELECT wanted.currency, wanted.rate_date, spot.rate AS spot_rate, average.rate AS average_rate
    FROM wanted
    ASOF LEFT JOIN spot ON spot.currency = wanted.currency AND spot.rate_date <= wanted.rate_date
    ASOF LEFT JOIN average ON average.currency = wanted.currency AND average.rate_date <= wanted.rate_date
)

SELECT
    currency,
    rate_date,
    coalesce(spot_rate, average_rate)::DECIMAL(18, 8) AS rate,
    CASE WHEN spot_rate IS NOT NULL THEN 'spot' ELSE 'average' END AS rate_source
FROM found
WHERE coalesce(spot_rate, average_rate) IS NOT NULL
UNION ALL
SELECT settings.reporting_currency, days.calendar_date, 1::DECIMAL(18, 8), 'reporting'
FROM core.days AS days
CROSS JOIN build.settings AS settings
