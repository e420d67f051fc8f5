-- fmt: off
-- why: a forecast of the trailing months is missing from the accuracy trend, or is in it twice
-- needs: forecasts, actual_quantities
-- Where items are of different units there is no quantity; such rows are left out on both sides.
-- fmt: on
with
    windows as (select unnest([3, 6, 12]) as window_months),

    sides as (
        select
            periods.period_month,
            windows.window_months,
            forecasts.forecast_step,
            forecasts.lag,
            forecasts.account_id,
            forecasts.quantity as left_amount,
            0 as right_amount
        from core.forecast_quantities as forecasts
        cross join windows
        join
            build.periods as periods
            on forecasts.target_index > periods.month_index - windows.window_months
            and forecasts.target_index <= periods.month_index
        union all
        select period_month, window_months, forecast_step, lag, account_id, 0, forecast_quantity
        from build.forecast_accuracy_trend
    ),

    without_quantity as (from build.forecast_accuracy_trend where quantity_reason is not null)

select
    sides.period_month,
    'forecasts of 3, 6 and 12 months = accuracy trend, ' || sides.forecast_step as control,
    'units' as currency,
    coalesce('account ' || sides.account_id, 'all accounts') as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join
    without_quantity
    on without_quantity.period_month = sides.period_month
    and without_quantity.window_months = sides.window_months
    and without_quantity.forecast_step = sides.forecast_step
    and without_quantity.lag = sides.lag
    and without_quantity.account_id is not distinct from sides.account_id
