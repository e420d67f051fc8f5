-- fmt: off
-- why: a forecast of the month is not compared with what was sold, or compared twice
-- needs: forecasts, actual_quantities
-- fmt: on
with
    forecasts as (
        select forecasts.*, date_diff('month', snapshot_month, target_month) as lag
        from core.forecasts as forecasts
        semi join build.periods as periods on periods.period_month = forecasts.target_month
    ),

    accuracy as (
        select
            period_month,
            forecast_step,
            lag,
            forecast_grain like 'account%' as by_account,
            account_id,
            forecast_quantity
        from build.forecast_accuracy
        where level = 'item'
    ),

    grains as (select distinct period_month, forecast_step, lag, by_account from accuracy),

    sides as (
        select
            forecasts.target_month as period_month,
            forecasts.forecast_step,
            case
                when forecasts.lag < 0
                then 'written after the month'
                when grains.by_account
                then 'account ' || forecasts.account_id
                else 'all accounts'
            end as item,
            sum(forecasts.quantity) as left_amount,
            -- What was written down after the month had ended is not a forecast of it.
            coalesce(sum(forecasts.quantity) filter (where forecasts.lag < 0), 0) as right_amount
        from forecasts
        left join
            grains
            on grains.period_month = forecasts.target_month
            and grains.forecast_step = forecasts.forecast_step
            and grains.lag = forecasts.lag
        group by all
        union all
        select
            period_month,
            forecast_step,
            case when by_account then 'account ' || account_id else 'all accounts' end,
            0,
            forecast_quantity
        from accuracy
    )

select
    period_month,
    'forecasts of the month = forecast accuracy + written afterwards, ' || forecast_step as control,
    'units' as currency,
    item,
    left_amount,
    right_amount
from sides
