-- fmt: off
-- grain: month built × account × part × target month after it, in the fiscal year or the two after
-- why: the newest forecast by the end of the month built, of the first step that the settings name
-- lines: core.forecasts by account_id, product_id, target_month, snapshot_month
-- columns:
--   period_month    DATE
--   snapshot_month  DATE
--   account_id      VARCHAR
--   product_id      VARCHAR
--   target_month    DATE
--   years_ahead     INTEGER
--   quantity        DECIMAL(38,4)
-- fmt: on
with
    forecasts as (
        from core.forecasts
        where forecast_step = (select forecast_steps[1] from build.settings) and account_id is not null
    ),

    newest as (
        select periods.period_month, max(snapshots.snapshot_month) as snapshot_month
        from (select distinct snapshot_month from forecasts) as snapshots
        join build.periods as periods on snapshots.snapshot_month <= periods.period_month
        group by periods.period_month
    )

select
    newest.period_month,
    newest.snapshot_month,
    forecasts.account_id,
    forecasts.product_id,
    forecasts.target_month,
    targets.fiscal_year - periods.fiscal_year as years_ahead,
    sum(forecasts.quantity)::decimal(38, 4) as quantity
from newest
join build.periods as periods on periods.period_month = newest.period_month
join forecasts on forecasts.snapshot_month = newest.snapshot_month
join core.months as targets on targets.period_month = forecasts.target_month
where targets.month_index > periods.month_index and targets.fiscal_year <= periods.fiscal_year + 2
group by
    newest.period_month,
    newest.snapshot_month,
    forecasts.account_id,
    forecasts.product_id,
    forecasts.target_month,
    targets.fiscal_year - periods.fiscal_year
