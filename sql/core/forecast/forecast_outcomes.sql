-- fmt: off
-- grain: forecast step × target month × lag × item
-- why: each forecast compared with what was sold: a forecast without sales meets 0, sales that nobody forecast meet a forecast of 0
-- columns:
--   forecast_step  VARCHAR
--   target_index   INTEGER
--   lag            INTEGER
--   item_no        BIGINT
--   actual         DECIMAL(34,4)
--   forecast       DECIMAL(34,4)
--   is_forecast    BOOLEAN
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
    )

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
