-- fmt: off
-- grain: period_month, forecast_step, lag, account_id, window_months, forecast_grain
-- why: whether forecasts get better: the errors of the trailing 3, 6 and 12 months, from the sums of the months and never from
--   averages of their ratios. Months that were not forecast with the step and lag do not count
-- method: forecast-accuracy-trend-1
-- needs: forecasts, actual_quantities
-- adds up within one: forecast_step, lag, window_months
-- lines: core.forecast_account_months by forecast_step, lag, account_id where (select months.month_index from core.months as months where
--     months.period_month = figure.period_month) - line.target_index between 0 and figure.window_months - 1 sums month_count = 1, n,
--     {}_quantity
-- columns:
--   period_month              DATE           here: The month closed, the last one of the window
--   forecast_step             VARCHAR
--   lag                       INTEGER
--   account_id                VARCHAR        here: The customer account; NULL where forecasts are not by account
--   account_name              VARCHAR        here: Name of the account; NULL where there is no account_id
--   account_manager           VARCHAR        here: Manager of the account; NULL where there is no account_id
--   window_months             INTEGER        [months; none] Months that the row looks back on, this one included: 3, 6 or 12
--   forecast_grain            VARCHAR
--   month_count               BIGINT         [months; none] Months of the window in which something was forecast or sold
--   n                         BIGINT         [count; last in time] Items that were forecast or sold, once per month
--   actual_quantity           DECIMAL(34,4)  [units of the item; last in time] here: Net quantity sold, returns negative
--   forecast_quantity         DECIMAL(34,4)  [units of the item; last in time] here: Quantity forecast
--   absolute_actual_quantity  DECIMAL(34,4)  [units of the item; last in time] here: Quantities sold without their signs, the base of wape := Σ|actual|
--   absolute_error_quantity   DECIMAL(34,4)  [units of the item; last in time; less is better] Errors of the items and months without their signs := Σ|actual − forecast|
--   quantity_reason           VARCHAR        Why the quantities have no total: the items are of different units
--   wape                      DECIMAL(36,6)  [fraction; ratio of absolute_error_quantity ÷ absolute_actual_quantity; less is better] Weighted absolute percentage error of the window := Σ|actual − forecast| ÷ Σ|actual| source: Kolassa and Schütz 2007
--   wape_reason               VARCHAR
--   bias_ratio                DECIMAL(36,6)  := Σ(forecast − actual) ÷ Σ actual
--   bias_ratio_reason         VARCHAR
-- fmt: on
with
    windows as (select unnest([3, 6, 12]) as window_months),

    added as (
        select
            periods.period_month,
            windows.window_months,
            months.forecast_step,
            months.lag,
            months.by_account,
            months.by_product,
            months.account_id,
            count(*) as month_count,
            sum(months.n) as n,
            units_reason(min(months.least_unit) <> max(months.greatest_unit)) as quantity_reason,
            case
                when min(months.least_unit) is not distinct from max(months.greatest_unit)
                then sum(columns('^(actual|forecast|absolute_actual|absolute_error)_quantity$'))
            end
        from core.forecast_account_months as months
        cross join windows
        join
            build.periods as periods
            on months.target_index > periods.month_index - windows.window_months
            and months.target_index <= periods.month_index
        group by
            periods.period_month,
            windows.window_months,
            months.forecast_step,
            months.lag,
            months.by_account,
            months.by_product,
            months.account_id
    )

select
    added.*,
    case when added.by_account then known(accounts.account_name) end as account_name,
    case when added.by_account then known(accounts.account_manager) end as account_manager,
    forecast_grain(added.by_account, added.by_product) as forecast_grain,
    shown_ratio(ratio(added.absolute_error_quantity, added.absolute_actual_quantity)) as wape,
    case
        when added.quantity_reason is not null
        then added.quantity_reason
        when added.absolute_actual_quantity = 0
        then 'nothing was sold'
    end as wape_reason,
    case
        when added.actual_quantity > 0
        then shown_ratio(ratio(added.forecast_quantity - added.actual_quantity, added.actual_quantity))
    end as bias_ratio,
    case
        when added.quantity_reason is not null
        then added.quantity_reason
        when added.actual_quantity <= 0
        then 'net quantity sold is not above zero'
    end as bias_ratio_reason
from added
left join core.accounts as accounts on accounts.account_id = added.account_id
