-- fmt: off
-- grain: period_month, level, account_id, product_id, account_manager, forecast_step, lag
-- why: how far off each forecast of the month was, by lag, and whether it was better than a naive one. Errors are measured per item, so
--   that those of one item never cancel those of another in a sum
-- method: forecast-accuracy-1
-- needs: forecasts, actual_quantities
-- adds up within one: level, forecast_step, lag
-- renamed: bias_reason to bias_ratio_reason, seasonal_naive_reason to seasonal_naive_wape_reason
-- lines: core.forecast_errors by period_month, forecast_step, lag where (figure.level not in ('item', 'account') or line.account_id is
--     not distinct from figure.account_id) and (figure.level not in ('item', 'product') or line.product_id is not distinct from
--     figure.product_id) and (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums n = 1,
--     actual_quantity = actual, forecast_quantity = forecast, unforecast_quantity = case when not is_forecast then actual end,
--     absolute_actual_quantity = abs(actual), absolute_error_quantity = abs(actual - forecast), mape_sum = percentage_error(actual,
--     forecast), mape_n = percentage_error(actual, forecast) is not null, smape_sum = symmetric_error(actual, forecast), mase_sum =
--     scaled_error(actual, forecast, in_sample_mae), mase_n = scaled_error(actual, forecast, in_sample_mae) is not null, rmsse_sum =
--     scaled_error(actual, forecast, in_sample_rmse), naive_error_quantity = abs(actual - naive), naive_actual_quantity = case when naive
--     is not null then abs(actual) end, error_quantity_beside_naive = case when naive is not null then abs(actual - forecast) end,
--     naive_n = naive is not null, seasonal_naive_error_quantity = abs(actual - seasonal_naive), seasonal_naive_actual_quantity = case
--     when seasonal_naive is not null then abs(actual) end, seasonal_naive_n = seasonal_naive is not null
-- columns:
--   period_month                    DATE           here: The month that was forecast and closed
--   level                           VARCHAR        What the row adds up: item, account, product, account_manager or total; rows of several levels count the same items again
--   account_id                      VARCHAR        here: The customer account; NULL where the level or the forecast has none
--   account_name                    VARCHAR        here: Name of the account; NULL where there is no account_id
--   product_id                      VARCHAR        here: The part; NULL where the level or the forecast has none
--   product_name                    VARCHAR        here: Name of the part; NULL where there is no product_id
--   account_manager                 VARCHAR        here: Manager of the account; NULL at levels without an account
--   forecast_step                   VARCHAR
--   lag                             INTEGER
--   forecast_grain                  VARCHAR
--   n                               BIGINT         [count; sum] Items that were forecast or sold
--   actual_quantity                 DECIMAL(34,4)  here: Net quantity sold, returns negative
--   forecast_quantity               DECIMAL(34,4)
--   unforecast_quantity             DECIMAL(34,4)  [units of the item; sum; less is better] Quantity sold of items that had no forecast; they count with a forecast of 0
--   absolute_actual_quantity        DECIMAL(34,4)  := Σ|actual|
--   absolute_error_quantity         DECIMAL(34,4)  [units of the item; sum; less is better] Errors without their signs := Σ|actual − forecast|
--   quantity_reason                 VARCHAR        Why the quantities, mae and rmse have no total: the items are of different units. mape, smape and mase are means over items and do not depend on units; where one item was sold in different units (a forecast not by part), they are undefined too
--   wape                            DECIMAL(36,6)  [fraction; ratio of absolute_error_quantity ÷ absolute_actual_quantity; less is better] Weighted absolute percentage error := Σ|actual − forecast| ÷ Σ|actual| source: Kolassa and Schütz 2007
--   wape_reason                     VARCHAR        Why wape is undefined; without sales mape is undefined too
--   bias_ratio                      DECIMAL(36,6)  := Σ(forecast − actual) ÷ Σ actual
--   bias_ratio_reason               VARCHAR
--   mae                             DECIMAL(36,6)  [units of the item; ratio of absolute_error_quantity ÷ n; less is better] Mean absolute error := Σ|actual − forecast| ÷ n source: Hyndman and Koehler 2006
--   rmse                            DECIMAL(36,6)  [units of the item; none; less is better] Root mean squared error := √(Σ(actual − forecast)² ÷ n) source: Hyndman and Koehler 2006
--   mape                            DECIMAL(36,6)  [fraction; ratio of mape_sum ÷ mape_n; less is better] Mean absolute percentage error of items with sales := mean of |actual − forecast| ÷ |actual| source: Hyndman and Koehler 2006
--   mape_sum                        DECIMAL(36,6)  [multiple; sum; less is better] Percentage errors of the items with sales, added up
--   mape_n                          BIGINT         [count; sum] Items with sales, which mape counts
--   smape                           DECIMAL(18,6)  [fraction; ratio of smape_sum ÷ n; less is better] Symmetric error between 0 and 2 := mean of 2 × |actual − forecast| ÷ (|actual| + |forecast|), both zero = 0 source: Makridakis and Hibon 2000
--   smape_sum                       DECIMAL(36,6)  [multiple; sum; less is better] Symmetric errors of the items, added up
--   mase                            DECIMAL(36,6)  [multiple; ratio of mase_sum ÷ mase_n; less is better] Mean absolute scaled error, below 1 = better than the naive forecast was in sample := mean over items of |actual − forecast| ÷ in-sample mean absolute naive error source: Hyndman and Koehler 2006
--   mase_sum                        DECIMAL(36,6)  [multiple; sum; less is better] Scaled errors of the items that have a scale, added up
--   mase_n                          BIGINT         [count; sum] Items that have a scale, which mase and rmsse count
--   mase_scale                      VARCHAR        Naive forecast that scales: seasonal-<season>, lag-1 with under two seasons of history, or mixed
--   mase_reason                     VARCHAR        Why mase is undefined; rmsse is undefined then too
--   rmsse                           DECIMAL(36,6)  [multiple; ratio of rmsse_sum ÷ mase_n; less is better] Root mean squared scaled error := mean over items of |actual − forecast| ÷ root of the in-sample mean squared naive error source: Hyndman and Koehler 2006
--   rmsse_sum                       DECIMAL(36,6)  [multiple; sum; less is better] Squared-scale errors of the same items, added up := Σ |actual − forecast| ÷ root of the in-sample mean squared naive error
--   tracking_signal                 DECIMAL(18,6)  [multiple; none] Lasting bias of an item, under-forecast positive := Σ(actual − forecast) ÷ mean |actual − forecast| over the trailing 12 months of the step and lag source: Brown 1959
--   tracking_signal_n               BIGINT         [months; none] Months of the trailing 12 in which the item was forecast or sold
--   tracking_signal_reason          VARCHAR
--   naive_wape                      DECIMAL(36,6)  [fraction; ratio of naive_error_quantity ÷ naive_actual_quantity] WAPE of repeating the actual of the snapshot month, over the items with a sale by then source: Hyndman and Koehler 2006
--   naive_error_quantity            DECIMAL(34,4)  [units of the item; sum] Errors of the naive forecast without their signs, over the naive_n items
--   naive_actual_quantity           DECIMAL(34,4)  [units of the item; sum] Quantities sold of these items, without their signs
--   error_quantity_beside_naive     DECIMAL(34,4)  [units of the item; sum; less is better] Errors of the forecast of these items, without their signs
--   naive_n                         BIGINT         [count; sum] Items with a sale by the snapshot, which naive_wape and forecast_value_added count
--   seasonal_naive_wape             DECIMAL(36,6)  [fraction; ratio of seasonal_naive_error_quantity ÷ seasonal_naive_actual_quantity] WAPE of repeating the actual of the same month in the latest season known at the snapshot, over the items with a sale by that month source: Hyndman and Koehler 2006
--   seasonal_naive_error_quantity   DECIMAL(34,4)  [units of the item; sum] Errors of the seasonal naive forecast without their signs, over the seasonal_naive_n items
--   seasonal_naive_actual_quantity  DECIMAL(34,4)  [units of the item; sum] Quantities sold of the seasonal_naive_n items, without their signs
--   seasonal_naive_n                BIGINT         [count; sum] Items with a sale by that month, which seasonal_naive_wape counts
--   seasonal_naive_wape_reason      VARCHAR
--   forecast_value_added            DECIMAL(36,6)  [fraction; ratio of (naive_error_quantity - error_quantity_beside_naive) ÷ naive_actual_quantity; more is better] What the step gains over the naive forecast, positive = it helps := naive_wape − wape, of the same naive_n items source: Gilliland 2002
--   forecast_value_added_reason     VARCHAR        Why forecast_value_added is undefined; naive_wape is undefined then too
--   reference_step                  VARCHAR        The step that the others are measured against: statistical, else sales, else the first by name
--   step_value_added                DECIMAL(36,6)  [fraction; none; more is better] What the step gains over the reference step, positive = it helps := wape of reference_step − wape source: Gilliland 2002
--   step_value_added_reason         VARCHAR
-- fmt: on
with
    reference_steps as (
        select
            target_month as period_month,
            lag,
            arg_min(
                struct_pack(forecast_step, by_account, by_product),
                (forecast_step <> 'statistical', forecast_step <> 'sales', forecast_step)
            ) as reference
        from core.forecast_rounds
        group by target_month, lag
    ),

    -- Pieces and kilograms have no common error; a mean over items has, unless one of them is of both.
    measures as (
        select
            * replace (
                case when quantity_reason is null then wape end as wape,
                case when quantity_reason is null then bias_ratio end as bias_ratio,
                case when quantity_reason is null then naive_wape end as naive_wape,
                case when quantity_reason is null then naive_error_quantity end as naive_error_quantity,
                case when quantity_reason is null then naive_actual_quantity end as naive_actual_quantity,
                case when quantity_reason is null then error_quantity_beside_naive end as error_quantity_beside_naive,
                case
                    when quantity_reason is null then seasonal_naive_error_quantity
                end as seasonal_naive_error_quantity,
                case
                    when quantity_reason is null then seasonal_naive_actual_quantity
                end as seasonal_naive_actual_quantity,
                case when quantity_reason is null then wape_beside_naive end as wape_beside_naive,
                case when quantity_reason is null then seasonal_naive_wape end as seasonal_naive_wape,
                case when item_units_reason is null then mape end as mape,
                case when item_units_reason is null then mape_sum end as mape_sum,
                case when item_units_reason is null then smape end as smape,
                case when item_units_reason is null then smape_sum end as smape_sum,
                case when item_units_reason is null then mase end as mase,
                case when item_units_reason is null then mase_sum end as mase_sum,
                case when item_units_reason is null then rmsse end as rmsse,
                case when item_units_reason is null then rmsse_sum end as rmsse_sum
            )
        from core.forecast_measures
    )

select
    errors.period_month,
    errors.level,
    errors.account_id,
    case when errors.account_id is not null then known(accounts.account_name) end as account_name,
    errors.product_id,
    case when errors.product_id is not null then known(products.product_name) end as product_name,
    errors.account_manager,
    errors.forecast_step,
    errors.lag,
    forecast_grain(errors.by_account, errors.by_product) as forecast_grain,
    errors.n,
    case when errors.quantity_reason is null then errors.actual_quantity end as actual_quantity,
    case
        when errors.quantity_reason is null or errors.level = 'item' then errors.forecast_quantity
    end as forecast_quantity,
    case when errors.quantity_reason is null then errors.unforecast_quantity end as unforecast_quantity,
    case when errors.quantity_reason is null then errors.absolute_actual_quantity end as absolute_actual_quantity,
    case when errors.quantity_reason is null then errors.absolute_error_quantity end as absolute_error_quantity,
    errors.quantity_reason,
    errors.wape,
    case when errors.wape is null then coalesce(errors.quantity_reason, 'nothing was sold') end as wape_reason,
    errors.bias_ratio,
    case
        when errors.bias_ratio is null then coalesce(errors.quantity_reason, 'net quantity sold is not above zero')
    end as bias_ratio_reason,
    case when errors.quantity_reason is null then errors.mae end as mae,
    case when errors.quantity_reason is null then errors.rmse end as rmse,
    errors.mape,
    errors.mape_sum,
    errors.mape_n,
    errors.smape,
    errors.smape_sum,
    errors.mase,
    errors.mase_sum,
    errors.mase_n,
    case
        when errors.longest_history is null
        then null
        when errors.least_scale_lag < errors.greatest_scale_lag
        then 'mixed'
        when errors.greatest_scale_lag = 1
        then 'lag-1'
        else 'seasonal-' || errors.greatest_scale_lag
    end as mase_scale,
    case
        when errors.mase is not null
        then null
        when errors.item_units_reason is not null
        then errors.item_units_reason
        when errors.longest_history is null
        then 'no sale by the snapshot'
        when errors.longest_history = 1
        then 'one month of history'
        else 'in-sample error is zero'
    end as mase_reason,
    errors.rmsse,
    errors.rmsse_sum,
    errors.tracking_signal,
    errors.tracking_signal_n,
    case
        when errors.level <> 'item'
        then 'given for items only'
        when errors.tracking_signal is null
        then coalesce(errors.quantity_reason, 'no error in the trailing months')
    end as tracking_signal_reason,
    errors.naive_wape,
    errors.naive_error_quantity,
    errors.naive_actual_quantity,
    errors.error_quantity_beside_naive,
    errors.naive_n,
    errors.seasonal_naive_wape,
    errors.seasonal_naive_error_quantity,
    errors.seasonal_naive_actual_quantity,
    errors.seasonal_naive_n,
    case
        when errors.seasonal_naive_n = 0
        then 'no sale by the same month of the latest season known'
        when errors.seasonal_naive_wape is null
        then coalesce(errors.quantity_reason, 'nothing was sold')
    end as seasonal_naive_wape_reason,
    errors.naive_wape - errors.wape_beside_naive as forecast_value_added,
    case
        when errors.naive_n = 0
        then 'no sale by the snapshot'
        when errors.naive_wape is null
        then coalesce(errors.quantity_reason, 'nothing was sold')
    end as forecast_value_added_reason,
    steps.reference.forecast_step as reference_step,
    case
        when errors.forecast_step <> steps.reference.forecast_step then reference_errors.wape - errors.wape
    end as step_value_added,
    case
        when errors.forecast_step = steps.reference.forecast_step
        then 'is the reference step'
        when (errors.by_account, errors.by_product) <> (steps.reference.by_account, steps.reference.by_product)
        then 'the reference step has another forecast_grain'
        when reference_errors.wape is null or errors.wape is null
        then coalesce(errors.quantity_reason, 'nothing was sold')
    end as step_value_added_reason
from measures as errors
join reference_steps as steps using (period_month, lag)
-- Every sale meets every step, so the same key of the same grain has the same actuals in both.
left join
    measures as reference_errors
    on reference_errors.period_month = errors.period_month
    and reference_errors.lag = errors.lag
    and reference_errors.forecast_step = steps.reference.forecast_step
    and reference_errors.level = errors.level
    and reference_errors.by_account = errors.by_account
    and reference_errors.by_product = errors.by_product
    and reference_errors.account_id is not distinct from errors.account_id
    and reference_errors.product_id is not distinct from errors.product_id
    and reference_errors.account_manager is not distinct from errors.account_manager
left join core.accounts as accounts on accounts.account_id = errors.account_id
left join core.products as products on products.product_id = errors.product_id
