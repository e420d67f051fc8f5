-- fmt: off
-- grain: forecast step × target month × lag × account × product
-- why: the quantities forecast, at the columns that their round is compared by
-- columns:
--   forecast_step  VARCHAR
--   target_index   INTEGER
--   lag            INTEGER
--   by_account     BOOLEAN
--   by_product     BOOLEAN
--   account_id     VARCHAR
--   product_id     VARCHAR
--   quantity       DECIMAL(38,4)
-- fmt: on
select
    rounds.forecast_step,
    rounds.target_index,
    rounds.lag,
    rounds.by_account,
    rounds.by_product,
    case when rounds.by_account then forecasts.account_id end as account_id,
    case when rounds.by_product then forecasts.product_id end as product_id,
    sum(forecasts.quantity) as quantity
from core.forecasts as forecasts
join core.months as snapshots on snapshots.period_month = forecasts.snapshot_month
join
    core.forecast_rounds as rounds
    on rounds.forecast_step = forecasts.forecast_step
    and rounds.target_month = forecasts.target_month
    and rounds.lag = rounds.target_index - snapshots.month_index
group by all
