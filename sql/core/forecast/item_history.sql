-- fmt: off
-- grain: forecast item × business month from its first sale to the last snapshot needed, months without sales included
-- why: what was known of an item at a snapshot: the last actual, and how far a naive forecast had been off in sample by then
-- columns:
--   item_no         BIGINT
--   month_index     BIGINT
--   month_count     BIGINT
--   quantity        DECIMAL(34,4)
--   scale_lag       INTEGER
--   in_sample_mae   DOUBLE
--   in_sample_rmse  DOUBLE
-- fmt: on
with
    wanted as (select item_no, max(snapshot_index) as last_index from core.forecast_comparisons group by item_no),

    first_sale as (select item_no, min(month_index) as first_index from core.item_months group by item_no),

    spine as (
        select
            item_no,
            first_sale.first_index,
            unnest(generate_series(first_sale.first_index, wanted.last_index)) as month_index
        from first_sale
        join wanted using (item_no)
    ),

    history as (
        select
            item_no,
            spine.month_index,
            spine.month_index - spine.first_index + 1 as month_count,
            coalesce(sales.quantity, 0)::decimal(34, 4) as quantity,
            settings.forecast_season as season
        from spine
        left join core.item_months as sales using (item_no, month_index)
        cross join build.settings as settings
    ),

    errors as (
        select
            *,
            naive_error(quantity, 1, item_no, month_index) as naive,
            naive_error(quantity, season, item_no, month_index) as seasonal
        from history
    )

select
    item_no,
    month_index,
    month_count,
    quantity,
    -- A season has to have been seen twice before it can serve as the scale.
    case when month_count >= 2 * season then season else 1 end as scale_lag,
    case
        when month_count >= 2 * season
        then mean_to_date(seasonal, item_no, month_index)
        else mean_to_date(naive, item_no, month_index)
    end as in_sample_mae,
    sqrt(
        case
            when month_count >= 2 * season
            then mean_square_to_date(seasonal, item_no, month_index)
            else mean_square_to_date(naive, item_no, month_index)
        end
    ) as in_sample_rmse
from errors
