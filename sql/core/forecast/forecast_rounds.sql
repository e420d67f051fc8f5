-- fmt: off
-- grain: forecast step × target month × lag
-- why: which forecasts a set of months needs, and down to which columns each of them goes: a column that any of its rows leaves
--   empty is left out of the comparison, so that every forecast and every sale counts once
-- columns:
--   forecast_step  VARCHAR
--   target_month   DATE
--   target_index   INTEGER
--   lag            INTEGER
--   by_account     BOOLEAN
--   by_product     BOOLEAN
-- fmt: on
with
    targets as (
        -- A tracking signal looks back over twelve months, and a flag on those of the twelve months before.
        select months.period_month, months.month_index, min(periods.month_index - months.month_index) as months_ago
        from core.months as months
        join build.periods as periods on months.month_index between periods.month_index - 23 and periods.month_index
        group by months.period_month, months.month_index
    )

select
    forecasts.forecast_step,
    targets.period_month as target_month,
    targets.month_index as target_index,
    targets.month_index - snapshots.month_index as lag,
    bool_and(forecasts.account_id is not null) as by_account,
    bool_and(forecasts.product_id is not null) as by_product
from core.forecasts as forecasts
join targets on targets.period_month = forecasts.target_month
join core.months as snapshots on snapshots.period_month = forecasts.snapshot_month
-- What was written down after the month had ended is not a forecast of it.
where
    targets.month_index >= snapshots.month_index
    and (
        targets.months_ago < 12
        or (
            targets.month_index - snapshots.month_index = 1
            and forecasts.forecast_step = (select forecast_steps[1] from build.settings)
        )
    )
group by all
