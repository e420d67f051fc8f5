-- fmt: off
-- grain: forecast step × built month × lag × level × account, product or manager
-- why: the error measures of each item, and of each level that the forecast's own columns imply
-- materialise: view
-- columns:
--   period_month                    DATE
--   forecast_step                   VARCHAR
--   lag                             INTEGER
--   by_account                      BOOLEAN
--   by_product                      BOOLEAN
--   level                           VARCHAR
--   account_id                      VARCHAR
--   product_id                      VARCHAR
--   account_manager                 VARCHAR
--   n                               BIGINT
--   actual_quantity                 DECIMAL(38,4)
--   forecast_quantity               DECIMAL(38,4)
--   unforecast_quantity             DECIMAL(38,4)
--   absolute_actual_quantity        DECIMAL(38,4)
--   absolute_error_quantity         DECIMAL(38,4)
--   wape                            DECIMAL(36,6)
--   bias_ratio                      DOUBLE
--   mae                             DOUBLE
--   rmse                            DOUBLE
--   mape                            DOUBLE
--   mape_sum                        DECIMAL(38,6)
--   mape_n                          BIGINT
--   smape                           DOUBLE
--   smape_sum                       DECIMAL(38,6)
--   mase                            DOUBLE
--   mase_sum                        DECIMAL(38,6)
--   mase_n                          BIGINT
--   least_scale_lag                 INTEGER
--   greatest_scale_lag              INTEGER
--   longest_history                 BIGINT
--   rmsse                           DOUBLE
--   rmsse_sum                       DECIMAL(38,6)
--   tracking_signal                 DOUBLE
--   tracking_signal_n               BIGINT
--   naive_wape                      DECIMAL(36,6)
--   wape_beside_naive               DECIMAL(36,6)
--   naive_error_quantity            DECIMAL(38,4)
--   naive_actual_quantity           DECIMAL(38,4)
--   error_quantity_beside_naive     DECIMAL(38,4)
--   naive_n                         BIGINT
--   seasonal_naive_wape             DECIMAL(36,6)
--   seasonal_naive_error_quantity   DECIMAL(38,4)
--   seasonal_naive_actual_quantity  DECIMAL(38,4)
--   seasonal_naive_n                BIGINT
--   quantity_reason                 VARCHAR
--   item_units_reason               VARCHAR
-- fmt: on
-- An item that was sold in different units has no actual quantity, and no error.
with
    errors as (
        select
            * replace (case when least_unit is not distinct from greatest_unit then actual end as actual),
            units_reason(least_unit <> greatest_unit) as item_units_reason
        from core.forecast_errors
    )

-- An item has one row, so its measures are those of the row.
select
    period_month,
    forecast_step,
    lag,
    by_account,
    by_product,
    'item' as level,
    account_id,
    product_id,
    account_manager,
    1 as n,
    actual as actual_quantity,
    forecast as forecast_quantity,
    case when is_forecast then 0 else actual end as unforecast_quantity,
    abs(actual) as absolute_actual_quantity,
    abs(actual - forecast) as absolute_error_quantity,
    percentage_error(actual, forecast) as wape,
    case when actual > 0 then ratio(forecast - actual, actual) end as bias_ratio,
    abs(actual - forecast) as mae,
    abs(actual - forecast) as rmse,
    percentage_error(actual, forecast) as mape,
    coalesce(percentage_error(actual, forecast), 0) as mape_sum,
    coalesce(actual <> 0, false)::bigint as mape_n,
    symmetric_error(actual, forecast) as smape,
    coalesce(symmetric_error(actual, forecast), 0) as smape_sum,
    scaled_error(actual, forecast, in_sample_mae) as mase,
    coalesce(scaled_error(actual, forecast, in_sample_mae), 0) as mase_sum,
    (scaled_error(actual, forecast, in_sample_mae) is not null)::bigint as mase_n,
    scale_lag as least_scale_lag,
    scale_lag as greatest_scale_lag,
    month_count as longest_history,
    scaled_error(actual, forecast, in_sample_rmse) as rmsse,
    coalesce(scaled_error(actual, forecast, in_sample_rmse), 0) as rmsse_sum,
    case
        when item_units_reason is null then ratio(trailing_error, ratio(trailing_absolute_error, trailing_months))
    end as tracking_signal,
    trailing_months as tracking_signal_n,
    percentage_error(actual, naive) as naive_wape,
    case when naive is not null then percentage_error(actual, forecast) end as wape_beside_naive,
    coalesce(abs(actual - naive), 0) as naive_error_quantity,
    case when naive is not null then abs(actual) else 0 end as naive_actual_quantity,
    case when naive is not null then abs(actual - forecast) else 0 end as error_quantity_beside_naive,
    (naive is not null)::bigint as naive_n,
    percentage_error(actual, seasonal_naive) as seasonal_naive_wape,
    coalesce(abs(actual - seasonal_naive), 0) as seasonal_naive_error_quantity,
    case when seasonal_naive is not null then abs(actual) else 0 end as seasonal_naive_actual_quantity,
    (seasonal_naive is not null)::bigint as seasonal_naive_n,
    item_units_reason as quantity_reason,
    item_units_reason
from errors
union all by name
select
    period_month,
    forecast_step,
    lag,
    by_account,
    by_product,
    level_name(grouping(account_id), grouping(account_manager), grouping(product_id)) as level,
    account_id,
    product_id,
    account_manager,
    count(*) as n,
    sum(actual) as actual_quantity,
    sum(forecast) as forecast_quantity,
    coalesce(sum(actual) filter (where not is_forecast), 0) as unforecast_quantity,
    sum(abs(actual)) as absolute_actual_quantity,
    sum(abs(actual - forecast)) as absolute_error_quantity,
    shown_ratio(wape(actual, forecast)) as wape,
    forecast_bias(actual, forecast) as bias_ratio,
    mae(actual, forecast) as mae,
    rmse(actual, forecast) as rmse,
    mape(actual, forecast) as mape,
    coalesce(sum(percentage_error(actual, forecast)), 0) as mape_sum,
    count(percentage_error(actual, forecast)) as mape_n,
    smape(actual, forecast) as smape,
    coalesce(sum(symmetric_error(actual, forecast)), 0) as smape_sum,
    mase(actual, forecast, in_sample_mae) as mase,
    coalesce(sum(scaled_error(actual, forecast, in_sample_mae)), 0) as mase_sum,
    count(scaled_error(actual, forecast, in_sample_mae)) as mase_n,
    min(scale_lag) as least_scale_lag,
    max(scale_lag) as greatest_scale_lag,
    max(month_count) as longest_history,
    exact_mean(scaled_error(actual, forecast, in_sample_rmse)) as rmsse,
    coalesce(sum(scaled_error(actual, forecast, in_sample_rmse)), 0) as rmsse_sum,
    shown_ratio(wape(actual, naive)) as naive_wape,
    shown_ratio(wape(actual, case when naive is not null then forecast end)) as wape_beside_naive,
    coalesce(sum(abs(actual - naive)), 0) as naive_error_quantity,
    coalesce(sum(abs(actual)) filter (where naive is not null), 0) as naive_actual_quantity,
    coalesce(sum(abs(actual - forecast)) filter (where naive is not null), 0) as error_quantity_beside_naive,
    count(naive) as naive_n,
    shown_ratio(wape(actual, seasonal_naive)) as seasonal_naive_wape,
    coalesce(sum(abs(actual - seasonal_naive)), 0) as seasonal_naive_error_quantity,
    coalesce(sum(abs(actual)) filter (where seasonal_naive is not null), 0) as seasonal_naive_actual_quantity,
    count(seasonal_naive) as seasonal_naive_n,
    units_reason(min(least_unit) <> max(greatest_unit)) as quantity_reason,
    min(item_units_reason) as item_units_reason
from errors
group by
    period_month,
    forecast_step,
    lag,
    by_account,
    by_product,
    grouping sets ((account_id, account_manager), (product_id), (account_manager), ())
having level = 'total' or (level in ('account', 'account_manager') and by_account) or (level = 'product' and by_product)
