-- fmt: off
-- grain: forecast step × target month × lag × account
-- why: the errors of a month that longer windows add up
-- lines: core.forecasts by forecast_step where (not figure.by_account or line.account_id = figure.account_id) and line.target_month =
--     (select months.period_month from core.months as months where months.month_index = figure.target_index) and line.snapshot_month =
--     (select months.period_month from core.months as months where months.month_index = figure.target_index - figure.lag)
-- columns:
--   forecast_step             VARCHAR
--   target_index              INTEGER
--   lag                       INTEGER
--   by_account                BOOLEAN
--   by_product                BOOLEAN
--   account_id                VARCHAR
--   n                         BIGINT
--   actual_quantity           DECIMAL(38,4)
--   forecast_quantity         DECIMAL(38,4)
--   absolute_actual_quantity  DECIMAL(38,4)
--   absolute_error_quantity   DECIMAL(38,4)
--   least_unit                VARCHAR
--   greatest_unit             VARCHAR
-- fmt: on
select
    outcomes.forecast_step,
    outcomes.target_index,
    outcomes.lag,
    items.by_account,
    items.by_product,
    items.account_id,
    count(*) as n,
    sum(outcomes.actual) as actual_quantity,
    sum(outcomes.forecast) as forecast_quantity,
    sum(abs(outcomes.actual)) as absolute_actual_quantity,
    sum(abs(outcomes.actual - outcomes.forecast)) as absolute_error_quantity,
    min(items.least_unit) as least_unit,
    max(items.greatest_unit) as greatest_unit
from core.forecast_outcomes as outcomes
join core.forecast_items as items on items.item_no = outcomes.item_no
group by
    outcomes.forecast_step, outcomes.target_index, outcomes.lag, items.by_account, items.by_product, items.account_id
