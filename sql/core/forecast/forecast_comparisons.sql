-- fmt: off
-- grain: forecast step × built month × lag × item
-- why: each forecast compared with what was sold: a forecast without sales meets 0, sales that nobody forecast meet a forecast of 0;
--   with the item's errors of the trailing twelve months, which tell whether it errs to one side
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
    forecast as (
        select quantities.forecast_step, quantities.target_index, quantities.lag, items.item_no, quantities.quantity
        from core.forecast_quantities as quantities
        join
            core.forecast_items as items
            on items.by_account = quantities.by_account
            and items.by_product = quantities.by_product
            and items.account_id is not distinct from quantities.account_id
            and items.product_id is not distinct from quantities.product_id
    ),

    sold as (
        select rounds.forecast_step, rounds.target_index, rounds.lag, sales.item_no, sales.quantity
        from core.forecast_rounds as rounds
        join
            core.item_months as sales
            on sales.month_index = rounds.target_index
            and sales.by_account = rounds.by_account
            and sales.by_product = rounds.by_product
    ),

    compared as (
        select
            forecast_step,
            target_index,
            lag,
            item_no,
            coalesce(sold.quantity, 0)::decimal(34, 4) as actual,
            coalesce(forecast.quantity, 0)::decimal(34, 4) as forecast,
            forecast.quantity is not null as is_forecast
        from forecast
        full join sold using (forecast_step, target_index, lag, item_no)
    ),

    with_trailing as (
        select
            *,
            sum(actual - forecast) over trailing_year as trailing_error,
            sum(abs(actual - forecast)) over trailing_year as trailing_absolute_error,
            count(*) over trailing_year as trailing_months
        from compared
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
