-- grain: forecast step × target month × lag
-- why: which forecasts a set of months needs, and down to which columns each of them goes: a column that any of its rows leaves
--   empty is left out of the comparison, so that every forecast and every sale counts once
WITH targets AS (
    -- A tracking signal looks back over twelve months.
    SELECT DISTINCT months.period_month, months.month_index
    FROM core.months AS months
    JOIN build.periods AS periods ON months.month_index BETWEEN periods.month_index - 11 AND periods.month_index
)

SELECT
    forecasts.forecast_step,
    targets.period_month AS target_month,
    targets.month_index AS target_index,
    targets.month_index - snapshots.month_index AS lag,
    bool_and(forecasts.account_id IS NOT NULL) AS by_account,
    bool_and(forecasts.product_id IS NOT NULL) AS by_product
FROM core.forecasts AS forecasts
JOIN targets ON targets.period_month = forecasts.target_month
JOIN core.months AS snapshots ON snapshots.period_month = forecasts.snapshot_month
-- What was written down after the month had ended is no forecast of it.
WHERE targets.month_index >= snapshots.month_index
GROUP BY ALL
