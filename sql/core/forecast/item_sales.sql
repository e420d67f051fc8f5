-- grain: columns that forecasts are compared by × account × product × business month
-- why: actual quantities up to the last month built, added up to what forecasts are compared by; returns are negative and stay so
WITH grains AS (
    SELECT DISTINCT by_account, by_product FROM core.forecast_rounds
),

monthly AS (
    SELECT sales.account_id, sales.product_id, sales.period_month, sum(sales.quantity) AS quantity
    FROM core.sales AS sales
    CROSS JOIN build.settings AS settings
    WHERE sales.basis = settings.forecast_actual
      AND sales.quantity IS NOT NULL
      AND sales.period_month <= (SELECT max(period_month) FROM build.periods)
    GROUP BY sales.account_id, sales.product_id, sales.period_month
)

SELECT
    grains.by_account,
    grains.by_product,
    CASE WHEN grains.by_account THEN monthly.account_id END AS account_id,
    CASE WHEN grains.by_product THEN monthly.product_id END AS product_id,
    months.month_index,
    sum(monthly.quantity)::DECIMAL(18, 4) AS quantity
FROM monthly
JOIN core.months AS months ON months.period_month = monthly.period_month
CROSS JOIN grains
GROUP BY ALL
HAVING sum(monthly.quantity) <> 0
