-- fmt: off
-- grain: forecast step × built month × lag × item
-- why: each forecast of a month built, with the item's errors of the trailing twelve months, which tell whether it errs to one side
-- columns:
--   period_month             DATE
--   forecast_step            VARCHAR
--   target_index             INTEGER
--   lag                      INTEGER
--   snapshot_index           INTEGER
--   item_no                  BIGINT
--   actual                   DECIMAL(34,4)
--   forecast                 DECIMAL(34,4)
--   is_forecast              BOOLEAN
--   trailing_error           DECIMAL(38,4)
--   trailing_absolute_error  DECIMAL(38,4)
--   trailing_months          BIGINT
-- fmt: on
with
    with_trailing as (
        select
            *,
            sum(actual - forecast) over trailing_year as trailing_error,
            sum(abs(actual - forecast)) over trailing_year as trailing_absolute_error,
            count(*) over trailing_year as trailing_months
        from core.forecast_outcomes
        window
            trailing_year as (
                partition by forecast_step, lag, item_no
                order by target_index
                range between 11 preceding and current row
            )
    )

select
    periods.period_month,
    compared.forecast_step,
    compared.target_index,
    compared.lag,
    compared.target_index - compared.lag as snapshot_index,
    compared.item_no,
    compared.actual,
    compared.forecast,
    compared.is_forecast,
    compared.trailing_error,
    compared.trailing_absolute_error,
    compared.trailing_months,

from with_trailing as compared
join build.periods as periods on periods.month_index = compared.target_index
