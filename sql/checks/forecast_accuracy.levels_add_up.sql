-- invariant: Every level of the forecast accuracy adds up the same items.
-- if it fails: the accuracy of a manager is measured over other sales than that of the company; a level lost or
--   doubled items.
-- severity: critical
-- owner: Data engineering
-- keys: forecast_step, lag, level, level_n, total_n, level_actual_quantity, total_actual_quantity
WITH levels AS (
    SELECT
        period_month,
        forecast_step,
        lag,
        level,
        sum(n)::BIGINT AS level_n,
        sum(actual_quantity) AS level_actual_quantity,
        sum(absolute_error_quantity) AS level_error_quantity
    FROM build.forecast_accuracy
    GROUP BY period_month, forecast_step, lag, level
),

totals AS (
    SELECT
        period_month,
        forecast_step,
        lag,
        n AS total_n,
        actual_quantity AS total_actual_quantity,
        absolute_error_quantity AS total_error_quantity
    FROM build.forecast_accuracy
    WHERE level = 'total'
)

SELECT *
FROM levels
LEFT JOIN totals USING (period_month, forecast_step, lag)
WHERE level_n IS DISTINCT FROM total_n
   OR level_actual_quantity IS DISTINCT FROM total_actual_quantity
   OR level_error_quantity IS DISTINCT FROM total_error_quantity
