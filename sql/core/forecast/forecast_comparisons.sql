-- grain: forecast step × built month × lag × item
-- why: each forecast beside what was sold: a forecast without sales meets 0, and sales that nobody forecast meet a forecast of 0;
--   with the item's errors of the trailing twelve months, which tell whether it errs to one side
WITH forecast AS (
    SELECT quantities.forecast_step, quantities.target_index, quantities.lag, items.item_no, quantities.quantity
    FROM core.forecast_quantities AS quantities
    JOIN core.forecast_items AS items
        ON items.by_account = quantities.by_account
        AND items.by_product = quantities.by_product
        AND items.account_id IS NOT DISTINCT FROM quantities.account_id
        AND items.product_id IS NOT DISTINCT FROM quantities.product_id
),

sold AS (
    SELECT rounds.forecast_step, rounds.target_index, rounds.lag, sales.item_no, sales.quantity
    FROM core.forecast_rounds AS rounds
    JOIN core.item_months AS sales
        ON sales.month_index = rounds.target_index
        AND sales.by_account = rounds.by_account
        AND sales.by_product = rounds.by_product
),

compared AS (
    SELECT
        forecast_step,
        target_index,
        lag,
        item_no,
        coalesce(sold.quantity, 0)::DECIMAL(18, 4) AS actual,
        coalesce(forecast.quantity, 0)::DECIMAL(18, 4) AS forecast,
        forecast.quantity IS NOT NULL AS is_forecast
    FROM forecast
    FULL JOIN sold USING (forecast_step, target_index, lag, item_no)
),

with_trailing AS (
    SELECT
        *,
        sum(actual - forecast) OVER trailing_year AS trailing_error,
        sum(abs(actual - forecast)) OVER trailing_year AS trailing_absolute_error,
        count(*) OVER trailing_year AS trailing_months
    FROM compared
    WINDOW trailing_year AS (
        PARTITION BY forecast_step, lag, item_no
        ORDER BY target_index RANGE BETWEEN 11 PRECEDING AND CURRENT ROW
    )
)

SELECT compared.*, periods.period_month, compared.target_index - compared.lag AS snapshot_index
FROM with_trailing AS compared
JOIN build.periods AS periods ON periods.month_index = compared.target_index
