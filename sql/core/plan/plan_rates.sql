-- grain: plan version × business month × currency
-- why: plan_rate is r0 and average_rate r1 of the bridge (metrics, section 2); a line's own fx_rate comes before it
WITH rates_used AS (
    SELECT plan_version, month AS period_month, currency, fx_rate, count(*) AS line_count
    FROM core.sales_plan
    WHERE fx_rate IS NOT NULL
    GROUP BY plan_version, month, currency, fx_rate
),

-- Lines of one version, month and currency should agree on a rate. Where not, most lines win, then the lower rate.
version_rates AS (
    SELECT plan_version, period_month, currency, first(fx_rate ORDER BY line_count DESC, fx_rate) AS fx_rate
    FROM rates_used
    GROUP BY plan_version, period_month, currency
),

budget_rates AS (
    SELECT currency, rate_date, rate FROM core.fx_rates WHERE rate_type = 'budget'
),

currencies AS (
    SELECT currency FROM core.month_rates
    UNION
    SELECT currency FROM version_rates
    UNION
    SELECT currency FROM budget_rates
),

wanted AS (
    SELECT plan_months.plan_version, months.period_month, months.as_of_date, currencies.currency
    FROM core.plan_months AS plan_months
    JOIN core.months AS months USING (period_month)
    CROSS JOIN currencies
)

SELECT
    wanted.plan_version,
    wanted.period_month,
    wanted.currency,
    CASE
        WHEN wanted.currency = settings.reporting_currency THEN 1
        ELSE coalesce(version_rates.fx_rate, budget_rates.rate, month_rates.average_rate)
    END::DECIMAL(18, 8) AS plan_rate,
    month_rates.average_rate
FROM wanted
CROSS JOIN build.settings AS settings
LEFT JOIN version_rates USING (plan_version, period_month, currency)
LEFT JOIN core.month_rates AS month_rates
    ON month_rates.period_month = wanted.period_month AND month_rates.currency = wanted.currency
ASOF LEFT JOIN budget_rates ON budget_rates.currency = wanted.currency AND budget_rates.rate_date <= wanted.as_of_date
