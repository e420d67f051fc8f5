-- grain: plan version × business month × currency
-- why: plan_rate is r0, average_rate r1 of the bridge (metrics, section 2); a line's own fx_rate still comes before plan_rate
WITH rates_used AS (
    SELECT plan_version, month AS period_month, currency, fx_rate, count(*) AS line_count
    FROM core.sales_plan
    WHERE fx_rate IS NOT NULL
    GROUP BY ALL
),

-- Lines of one version, month and currency should agree on a rate. Where they do not, most lines win, then the lower rate.
version_rates AS (
    SELECT plan_version, period_month, currency, first(fx_rate ORDER BY line_count DESC, fx_rate) AS fx_rate
    FROM rates_used
    GROUP BY plan_version, period_month, currency
),

currencies AS (
    SELECT currency FROM core.month_rates
    UNION
    SELECT currency FROM version_rates
)

SELECT
    plan_months.plan_version,
    plan_months.period_month,
    currencies.currency,
    CASE
        WHEN currencies.currency = settings.reporting_currency THEN 1
        ELSE coalesce(version_rates.fx_rate, month_rates.budget_rate, month_rates.average_rate)
    END::DECIMAL(18, 8) AS plan_rate,
    month_rates.average_rate
FROM core.plan_months AS plan_months
CROSS JOIN currencies
CROSS JOIN build.settings AS settings
LEFT JOIN version_rates USING (plan_version, period_month, currency)
LEFT JOIN core.month_rates AS month_rates
    ON month_rates.period_month = plan_months.period_month AND month_rates.currency = currencies.currency
