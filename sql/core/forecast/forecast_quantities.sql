-- grain: forecast step × target month × lag × account × product
-- why: the quantities forecast, at the columns that their round is compared by
SELECT
    rounds.forecast_step,
    rounds.target_index,
    rounds.lag,
    rounds.by_account,
    rounds.by_product,
    CASE WHEN rounds.by_account THEN forecasts.account_id END AS account_id,
    CASE WHEN rounds.by_product THEN forecasts.product_id END AS product_id,
    sum(forecasts.quantity) AS quantity
FROM core.forecasts AS forecasts
JOIN core.months AS snapshots ON snapshots.period_month = forecasts.snapshot_month
JOIN core.forecast_rounds AS rounds
    ON rounds.forecast_step = forecasts.forecast_step
    AND rounds.target_month = forecasts.target_month
    AND rounds.lag = rounds.target_index - snapshots.month_index
GROUP BY ALL
