-- fmt: off
-- why: a forecast is missing from the comparison of steps, or is in it twice
-- needs: forecasts, actual_quantities
-- fmt: on
with
    steps as (select unnest(forecast_steps) as forecast_step from build.settings),

    sides as (
        select periods.period_month, forecast_step, account_id, 1 as left_amount, 0 as right_amount
        from core.forecast_quantities as forecasts
        join build.periods as periods on periods.month_index = forecasts.target_index
        semi join steps using (forecast_step)
        union all
        select period_month, forecast_step, account_id, 0, n + n_alone
        from build.forecast_stair
    )

select
    period_month,
    'items forecast = forecast stair, ' || forecast_step as control,
    'items' as currency,
    coalesce('account ' || account_id, 'all accounts') as item,
    left_amount,
    right_amount
from sides
