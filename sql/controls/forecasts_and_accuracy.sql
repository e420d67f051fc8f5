-- why: a forecast of the month is not compared with what was sold, or compared twice
-- needs: forecasts, actual_quantities
WITH forecasts AS (
    SELECT forecasts.*, date_diff('month', snapshot_month, target_month) AS lag
    FROM core.forecasts AS forecasts
    SEMI JOIN build.periods AS periods ON periods.period_month = forecasts.target_month
),

accuracy AS (
    SELECT period_month, forecast_step, lag, forecast_grain LIKE 'account%' AS by_account, account_id, forecast_quantity
    FROM build.forecast_accuracy
    WHERE level = 'item'
),

grains AS (
    SELECT DISTINCT period_month, forecast_step, lag, by_account FROM accuracy
),

sides AS (
    SELECT
        forecasts.target_month AS period_month,
        forecasts.forecast_step,
        CASE
            WHEN forecasts.lag < 0 THEN 'written after the month'
            WHEN grains.by_account THEN 'account ' || forecasts.account_id
            ELSE 'all accounts'
        END AS item,
        sum(forecasts.quantity) AS left_amount,
        -- What was written down after the month had ended is no forecast of it.
        coalesce(sum(forecasts.quantity) FILTER (WHERE forecasts.lag < 0), 0) AS right_amount
    FROM forecasts
    LEFT JOIN grains
        ON grains.period_month = forecasts.target_month
        AND grains.forecast_step = forecasts.forecast_step
        AND grains.lag = forecasts.lag
    GROUP BY ALL
    UNION ALL
    SELECT
        period_month,
        forecast_step,
        CASE WHEN by_account THEN 'account ' || account_id ELSE 'all accounts' END,
        0,
        forecast_quantity
    FROM accuracy
)

SELECT
    period_month,
    'forecasts of the month = forecast accuracy + written afterwards, ' || forecast_step AS control,
    'units' AS currency,
    item,
    left_amount,
    right_amount
FROM sides
