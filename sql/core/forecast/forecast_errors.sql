-- fmt: off
-- grain: forecast step × built month × lag × item
-- why: each forecast with the actual, what a naive forecast would have said, and the scale of the item's own history
-- lines: core.forecasts by forecast_step, target_month = period_month where line.snapshot_month = (figure.period_month -
--     to_months(figure.lag::integer))::date and (not figure.by_account or line.account_id = figure.account_id) and (not figure.by_product
--     or line.product_id = figure.product_id);
--   core.sales by period_month where line.basis = (select forecast_actual from build.settings) and (not figure.by_account or
--     line.account_id = figure.account_id) and (not figure.by_product or line.product_id = figure.product_id)
-- columns:
--   period_month             DATE
--   forecast_step            VARCHAR
--   lag                      INTEGER
--   item_no                  BIGINT
--   by_account               BOOLEAN
--   by_product               BOOLEAN
--   account_id               VARCHAR
--   product_id               VARCHAR
--   account_manager          VARCHAR
--   actual                   DECIMAL(34,4)
--   forecast                 DECIMAL(34,4)
--   is_forecast              BOOLEAN
--   trailing_error           DECIMAL(38,4)
--   trailing_absolute_error  DECIMAL(38,4)
--   trailing_months          BIGINT
--   naive                    DECIMAL(34,4)
--   seasonal_naive           DECIMAL(34,4)
--   month_count              BIGINT
--   scale_lag                INTEGER
--   in_sample_mae            DOUBLE
--   in_sample_rmse           DOUBLE
--   least_unit               VARCHAR
--   greatest_unit            VARCHAR
-- fmt: on
select
    compared.period_month,
    compared.forecast_step,
    compared.lag,
    compared.item_no,
    items.by_account,
    items.by_product,
    items.account_id,
    items.product_id,
    case when items.by_account then known(accounts.account_manager) end as account_manager,
    compared.actual,
    compared.forecast,
    compared.is_forecast,
    compared.trailing_error,
    compared.trailing_absolute_error,
    compared.trailing_months,
    known.quantity as naive,
    season_ago.quantity as seasonal_naive,
    known.month_count,
    known.scale_lag,
    known.in_sample_mae,
    known.in_sample_rmse,
    items.least_unit,
    items.greatest_unit
from core.forecast_comparisons as compared
join core.forecast_items as items on items.item_no = compared.item_no
cross join build.settings as settings
left join core.item_history as known on known.item_no = compared.item_no and known.month_index = compared.snapshot_index
left join
    core.item_history as season_ago
    on season_ago.item_no = compared.item_no
    -- As many seasons back as it takes to reach a month that the snapshot knew.
    and season_ago.month_index
    = compared.target_index
    - settings.forecast_season
    * greatest(1, divide(compared.lag + settings.forecast_season - 1, settings.forecast_season))
left join core.accounts as accounts on accounts.account_id = items.account_id
