-- grain: period_month, level, account_id, product_id, account_manager, forecast_step, lag
-- why: how far each forecast of the month was off, at every distance it was made from, and whether the work on it paid; an error is
--   made at an item, so that errors of one item never cancel those of another in a sum
-- method: forecast-accuracy-1
-- needs: forecasts, actual_quantities
-- columns:
--   period_month                DATE           The month that was forecast and closed
--   level                       VARCHAR        What the row adds up: item, account, product, account_manager or total
--   account_id                  VARCHAR        The customer account; NULL where the level or the forecast has none
--   account_name                VARCHAR        Name of the account
--   product_id                  VARCHAR        The part; NULL where the level or the forecast has none
--   product_name                VARCHAR        Name of the part
--   account_manager             VARCHAR        The account's key-account manager; NULL at levels without an account
--   forecast_step               VARCHAR        Who or what forecast
--   lag                         INTEGER        Months from the snapshot to the month forecast
--   forecast_grain              VARCHAR        What one item is, the columns that all forecasts of the step, month and lag have filled: account_product, account, product or total
--   n                           BIGINT         Items that were forecast or sold
--   actual_quantity             DECIMAL(18,4)  Net quantity sold, returns negative
--   forecast_quantity           DECIMAL(18,4)  Quantity forecast
--   unforecast_quantity         DECIMAL(18,4)  Quantity sold of items that had no forecast; they count with a forecast of 0
--   absolute_actual_quantity    DECIMAL(18,4)  The base of WAPE, to add up over months := Σ|actual|
--   absolute_error_quantity     DECIMAL(18,4)  The errors without their signs, to add up over months := Σ|actual − forecast|
--   wape                        DECIMAL(18,6)  Weighted absolute percentage error, a fraction := Σ|actual − forecast| ÷ Σ|actual|
--   wape_reason                 VARCHAR        Why wape and mape are undefined
--   bias_ratio                  DECIMAL(18,6)  Which side the forecast errs to, over-forecast positive := Σ(forecast − actual) ÷ Σ actual
--   bias_reason                 VARCHAR        Why bias_ratio is undefined
--   mae                         DECIMAL(18,6)  Mean absolute error, in units of the items := Σ|actual − forecast| ÷ n
--   rmse                        DECIMAL(18,6)  Root mean squared error, in units of the items := √(Σ(actual − forecast)² ÷ n)
--   mape                        DECIMAL(18,6)  Mean absolute percentage error of items with sales, a fraction := mean of |actual − forecast| ÷ |actual|
--   mape_n                      BIGINT         Items with sales, which mape counts
--   smape                       DECIMAL(18,6)  Symmetric error between 0 and 2 := mean of 2 × |actual − forecast| ÷ (|actual| + |forecast|), both zero = 0
--   mase                        DECIMAL(18,6)  Mean absolute scaled error, below 1 = better than the naive forecast was in sample := mean over items of |actual − forecast| ÷ in-sample mean absolute naive error
--   mase_n                      BIGINT         Items that have a scale, which mase and rmsse count
--   mase_scale                  VARCHAR        Naive forecast that scales: seasonal-<season>, lag-1 with under two seasons of history, or mixed
--   mase_reason                 VARCHAR        Why mase and rmsse are undefined
--   rmsse                       DECIMAL(18,6)  Root mean squared scaled error := mean over items of |actual − forecast| ÷ root of the in-sample mean squared naive error
--   tracking_signal             DECIMAL(18,6)  Lasting bias of an item, under-forecast positive := Σ(actual − forecast) ÷ mean |actual − forecast| over the trailing 12 months of the step and lag
--   tracking_signal_n           BIGINT         Months of the trailing 12 in which the item was forecast or sold
--   tracking_signal_reason      VARCHAR        Why tracking_signal is undefined
--   naive_wape                  DECIMAL(18,6)  WAPE of repeating the actual of the snapshot month, over the items with a sale by then
--   naive_n                     BIGINT         Items with a sale by the snapshot, which naive_wape and forecast_value_added count
--   seasonal_naive_wape         DECIMAL(18,6)  WAPE of repeating the actual of the same month in the latest season known at the snapshot, over the items with a sale by that month
--   seasonal_naive_n            BIGINT         Items with a sale by that month, which seasonal_naive_wape counts
--   seasonal_naive_reason       VARCHAR        Why seasonal_naive_wape is undefined
--   forecast_value_added        DECIMAL(18,6)  What the step gains over the naive forecast, positive = it helps := naive_wape − wape, of the same naive_n items
--   forecast_value_added_reason VARCHAR        Why naive_wape and forecast_value_added are undefined
--   reference_step              VARCHAR        The step that the others are measured against: statistical, else sales, else the first by name
--   step_value_added            DECIMAL(18,6)  What the step gains over the reference step, positive = it helps := wape of reference_step − wape
--   step_value_added_reason     VARCHAR        Why step_value_added is undefined
WITH item_errors AS (
    SELECT
        compared.period_month,
        compared.forecast_step,
        compared.lag,
        items.by_account,
        items.by_product,
        items.account_id,
        items.product_id,
        CASE WHEN items.by_account THEN coalesce(accounts.account_manager, 'unknown') END AS account_manager,
        compared.actual,
        compared.forecast,
        compared.is_forecast,
        compared.trailing_error,
        compared.trailing_absolute_error,
        compared.trailing_months,
        known.quantity AS naive,
        season_ago.quantity AS seasonal_naive,
        known.month_count,
        known.scale_lag,
        known.in_sample_mae,
        known.in_sample_rmse
    FROM core.forecast_comparisons AS compared
    JOIN core.forecast_items AS items ON items.item_no = compared.item_no
    CROSS JOIN build.settings AS settings
    LEFT JOIN core.item_history AS known
        ON known.item_no = compared.item_no AND known.month_index = compared.snapshot_index
    LEFT JOIN core.item_history AS season_ago
        ON season_ago.item_no = compared.item_no
        -- As many seasons back as it takes to reach a month that the snapshot knew.
        AND season_ago.month_index
            = compared.target_index
            - settings.forecast_season * greatest(1, (compared.lag + settings.forecast_season - 1) // settings.forecast_season)
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = items.account_id
),

-- An item has one row, so its measures are those of the row.
item_measures AS (
    SELECT
        period_month,
        forecast_step,
        lag,
        by_account,
        by_product,
        'item' AS level,
        account_id,
        product_id,
        account_manager,
        1 AS n,
        actual AS actual_quantity,
        forecast AS forecast_quantity,
        CASE WHEN is_forecast THEN 0 ELSE actual END AS unforecast_quantity,
        abs(actual) AS absolute_actual_quantity,
        abs(actual - forecast) AS absolute_error_quantity,
        percentage_error(actual, forecast) AS wape,
        CASE WHEN actual > 0 THEN ratio(forecast - actual, actual) END AS bias_ratio,
        abs(actual - forecast) AS mae,
        abs(actual - forecast) AS rmse,
        percentage_error(actual, forecast) AS mape,
        (actual <> 0)::BIGINT AS mape_n,
        symmetric_error(actual, forecast) AS smape,
        scaled_error(actual, forecast, in_sample_mae) AS mase,
        (scaled_error(actual, forecast, in_sample_mae) IS NOT NULL)::BIGINT AS mase_n,
        scale_lag AS least_scale_lag,
        scale_lag AS greatest_scale_lag,
        month_count AS longest_history,
        scaled_error(actual, forecast, in_sample_rmse) AS rmsse,
        ratio(trailing_error, ratio(trailing_absolute_error, trailing_months)) AS tracking_signal,
        trailing_months AS tracking_signal_n,
        percentage_error(actual, naive) AS naive_wape,
        CASE WHEN naive IS NOT NULL THEN percentage_error(actual, forecast) END AS wape_beside_naive,
        (naive IS NOT NULL)::BIGINT AS naive_n,
        percentage_error(actual, seasonal_naive) AS seasonal_naive_wape,
        (seasonal_naive IS NOT NULL)::BIGINT AS seasonal_naive_n
    FROM item_errors
),

level_measures AS (
    SELECT
        period_month,
        forecast_step,
        lag,
        by_account,
        by_product,
        CASE
            WHEN grouping(account_id) = 0 THEN 'account'
            WHEN grouping(product_id) = 0 THEN 'product'
            WHEN grouping(account_manager) = 0 THEN 'account_manager'
            ELSE 'total'
        END AS level,
        account_id,
        product_id,
        account_manager,
        count(*) AS n,
        sum(actual) AS actual_quantity,
        sum(forecast) AS forecast_quantity,
        coalesce(sum(actual) FILTER (WHERE NOT is_forecast), 0) AS unforecast_quantity,
        sum(abs(actual)) AS absolute_actual_quantity,
        sum(abs(actual - forecast)) AS absolute_error_quantity,
        wape(actual, forecast)::DECIMAL(18, 6) AS wape,
        forecast_bias(actual, forecast) AS bias_ratio,
        mae(actual, forecast) AS mae,
        rmse(actual, forecast) AS rmse,
        mape(actual, forecast) AS mape,
        count(percentage_error(actual, forecast)) AS mape_n,
        smape(actual, forecast) AS smape,
        mase(actual, forecast, in_sample_mae) AS mase,
        count(scaled_error(actual, forecast, in_sample_mae)) AS mase_n,
        min(scale_lag) AS least_scale_lag,
        max(scale_lag) AS greatest_scale_lag,
        max(month_count) AS longest_history,
        exact_mean(scaled_error(actual, forecast, in_sample_rmse)) AS rmsse,
        wape(actual, naive)::DECIMAL(18, 6) AS naive_wape,
        wape(actual, CASE WHEN naive IS NOT NULL THEN forecast END)::DECIMAL(18, 6) AS wape_beside_naive,
        count(naive) AS naive_n,
        wape(actual, seasonal_naive)::DECIMAL(18, 6) AS seasonal_naive_wape,
        count(seasonal_naive) AS seasonal_naive_n
    FROM item_errors
    GROUP BY
        period_month,
        forecast_step,
        lag,
        by_account,
        by_product,
        GROUPING SETS ((account_id, account_manager), (product_id), (account_manager), ())
),

-- A level that the forecast's own columns do not imply is left out.
implied AS (
    SELECT * FROM item_measures
    UNION ALL BY NAME
    SELECT *
    FROM level_measures
    WHERE level = 'total'
       OR (level IN ('account', 'account_manager') AND by_account)
       OR (level = 'product' AND by_product)
),

reference_steps AS (
    SELECT
        target_month AS period_month,
        lag,
        arg_min(
            struct_pack(forecast_step, by_account, by_product),
            (forecast_step <> 'statistical', forecast_step <> 'sales', forecast_step)
        ) AS reference
    FROM core.forecast_rounds
    GROUP BY target_month, lag
),

reference_errors AS (
    SELECT
        period_month, forecast_step, lag, by_account, by_product, 'item' AS level, account_id, product_id, account_manager,
        percentage_error(actual, forecast) AS wape
    FROM item_errors
    UNION ALL
    SELECT period_month, forecast_step, lag, by_account, by_product, level, account_id, product_id, account_manager, wape
    FROM level_measures
),

beside_reference AS (
    SELECT
        implied.*,
        reference_steps.reference,
        CASE WHEN implied.forecast_step <> reference_steps.reference.forecast_step THEN reference_errors.wape - implied.wape END
            AS step_value_added
    FROM implied
    JOIN reference_steps USING (period_month, lag)
    -- Every sale meets every step, so the same key of the same grain has the same actuals in both.
    LEFT JOIN reference_errors
        ON reference_errors.period_month = implied.period_month
        AND reference_errors.lag = implied.lag
        AND reference_errors.forecast_step = reference_steps.reference.forecast_step
        AND reference_errors.level = implied.level
        AND reference_errors.by_account = implied.by_account
        AND reference_errors.by_product = implied.by_product
        AND reference_errors.account_id IS NOT DISTINCT FROM implied.account_id
        AND reference_errors.product_id IS NOT DISTINCT FROM implied.product_id
        AND reference_errors.account_manager IS NOT DISTINCT FROM implied.account_manager
)

SELECT
    errors.period_month,
    errors.level,
    errors.account_id,
    CASE WHEN errors.account_id IS NOT NULL THEN coalesce(accounts.account_name, 'unknown') END AS account_name,
    errors.product_id,
    CASE WHEN errors.product_id IS NOT NULL THEN coalesce(products.product_name, 'unknown') END AS product_name,
    errors.account_manager,
    errors.forecast_step,
    errors.lag,
    CASE
        WHEN errors.by_account AND errors.by_product THEN 'account_product'
        WHEN errors.by_account THEN 'account'
        WHEN errors.by_product THEN 'product'
        ELSE 'total'
    END AS forecast_grain,
    errors.n,
    errors.actual_quantity,
    errors.forecast_quantity,
    errors.unforecast_quantity,
    errors.absolute_actual_quantity,
    errors.absolute_error_quantity,
    errors.wape,
    CASE WHEN errors.wape IS NULL THEN 'nothing was sold' END AS wape_reason,
    errors.bias_ratio,
    CASE WHEN errors.bias_ratio IS NULL THEN 'net quantity sold is not above zero' END AS bias_reason,
    errors.mae,
    errors.rmse,
    errors.mape,
    errors.mape_n,
    errors.smape,
    errors.mase,
    errors.mase_n,
    CASE
        WHEN errors.longest_history IS NULL THEN NULL
        WHEN errors.least_scale_lag < errors.greatest_scale_lag THEN 'mixed'
        WHEN errors.greatest_scale_lag = 1 THEN 'lag-1'
        ELSE 'seasonal-' || errors.greatest_scale_lag
    END AS mase_scale,
    CASE
        WHEN errors.mase IS NOT NULL THEN NULL
        WHEN errors.longest_history IS NULL THEN 'no sale by the snapshot'
        WHEN errors.longest_history = 1 THEN 'one month of history'
        ELSE 'in-sample error is zero'
    END AS mase_reason,
    errors.rmsse,
    errors.tracking_signal,
    errors.tracking_signal_n,
    CASE
        WHEN errors.level <> 'item' THEN 'given for items only'
        WHEN errors.tracking_signal IS NULL THEN 'no error in the trailing months'
    END AS tracking_signal_reason,
    errors.naive_wape,
    errors.naive_n,
    errors.seasonal_naive_wape,
    errors.seasonal_naive_n,
    CASE
        WHEN errors.seasonal_naive_n = 0 THEN 'no sale by the same month of the latest season known'
        WHEN errors.seasonal_naive_wape IS NULL THEN 'nothing was sold'
    END AS seasonal_naive_reason,
    errors.naive_wape - errors.wape_beside_naive AS forecast_value_added,
    CASE
        WHEN errors.naive_n = 0 THEN 'no sale by the snapshot'
        WHEN errors.naive_wape IS NULL THEN 'nothing was sold'
    END AS forecast_value_added_reason,
    errors.reference.forecast_step AS reference_step,
    errors.step_value_added,
    CASE
        WHEN errors.step_value_added IS NOT NULL THEN NULL
        WHEN errors.forecast_step = errors.reference.forecast_step THEN 'is the reference step'
        WHEN (errors.by_account, errors.by_product) <> (errors.reference.by_account, errors.reference.by_product)
            THEN 'the reference step has another forecast_grain'
        ELSE 'nothing was sold'
    END AS step_value_added_reason
FROM beside_reference AS errors
LEFT JOIN core.accounts AS accounts ON accounts.account_id = errors.account_id
LEFT JOIN core.products AS products ON products.product_id = errors.product_id
