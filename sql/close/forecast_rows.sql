-- fmt: off
-- grain: item × target month      from: temp.forecast_history, temp.forecast_by_model, staging.forecasts, build.settings
-- why: the rows of a round as the feed forecasts takes them, with the method of each. A season repeats the one before; where that is
--   longer ago than the first sale, the last month counts. An item that an earlier run forecast, and that has no history any more, gets 0
-- fmt: on
with
    ahead as (select unnest(generate_series(1, $month_count)) as h),

    naive as (
        select
            items.*,
            ahead.h,
            len(items.history) as n,
            settings.forecast_season as season,
            len(items.history) >= settings.forecast_season as has_season
        from temp.forecast_history as items
        cross join ahead
        cross join build.settings as settings
    ),

    forecast as (
        select
            naive.account_id,
            naive.product_id,
            naive.h,
            case
                when by_model.quantities is not null
                then by_model.quantities[naive.h]
                when naive.has_season
                then naive.history[naive.n - naive.season * divide(naive.h + naive.season - 1, naive.season) + naive.h]
                else naive.history[naive.n]
            end as quantity,
            case
                when by_model.quantities is not null
                then $method
                when naive.has_season
                then 'seasonal_naive'
                else 'last_value'
            end as method
        from naive
        left join temp.forecast_by_model as by_model on by_model.item_no = naive.item_no
    ),

    earlier as (
        select distinct account_id, product_id
        from staging.forecasts
        where forecast_step = $step and snapshot_month = $snapshot_month and superseded_load_id is null
    ),

    ended as (
        select earlier.account_id, earlier.product_id
        from earlier
        anti join
            temp.forecast_history as items
            on items.account_id is not distinct from earlier.account_id
            and items.product_id = earlier.product_id
    ),

    rows_of_round as (
        from forecast
        union all
        select ended.account_id, ended.product_id, ahead.h, 0, 'no history'
        from ended
        cross join ahead
    )

select
    $step as forecast_step,
    $snapshot_month::date as snapshot_month,
    ($snapshot_month::date + to_months(h::integer))::date as target_month,
    account_id,
    product_id,
    greatest(quantity, 0)::decimal(38, 4) as quantity,
    method
from rows_of_round
order by account_id, product_id, target_month
