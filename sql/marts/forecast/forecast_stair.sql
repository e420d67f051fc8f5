-- fmt: off
-- grain: period_month, forecast_step, lag, account_id
-- why: which step of making a forecast makes it better. Each step of [forecast] steps is compared with the one before it, the first
--   with a naive forecast that repeats the snapshot month, over the items that both have: otherwise a step that leaves out the hard
--   items would look good
-- method: forecast-stair-1
-- needs: forecasts, actual_quantities
-- adds up within one: forecast_step, lag
-- lines: core.forecast_errors by period_month, forecast_step, lag, account_id where line.is_forecast
-- columns:
--   period_month                         DATE           here: The month that was forecast and closed
--   forecast_step                        VARCHAR
--   lag                                  INTEGER
--   account_id                           VARCHAR        here: The customer account; NULL where the step does not forecast by account
--   account_name                         VARCHAR        here: Name of the account; NULL where there is no account_id
--   account_manager                      VARCHAR        here: Manager of the account; NULL where there is no account_id
--   step_before                          VARCHAR        The step compared with: the one before it in [forecast] steps, or naive
--   forecast_grain                       VARCHAR
--   n                                    BIGINT         [count; sum] Items that both steps have
--   n_alone                              BIGINT         [count; sum] Items that this step forecast and the one before did not; no other column counts them
--   actual_quantity                      DECIMAL(34,4)  [units of the item; sum] here: Net quantity sold of the items that both have, returns negative
--   absolute_actual_quantity             DECIMAL(34,4)  := Σ|actual|
--   absolute_error_quantity              DECIMAL(34,4)  [units of the item; sum; less is better] Errors of this step without their signs := Σ|actual − forecast|
--   step_before_absolute_error_quantity  DECIMAL(34,4)  [units of the item; sum] Errors of the step before without their signs := Σ|actual − forecast of step_before|
--   quantity_reason                      VARCHAR        Why the quantities have no total: the items are of different units
--   wape                                 DECIMAL(36,6)  [fraction; ratio of absolute_error_quantity ÷ absolute_actual_quantity; less is better] Weighted absolute percentage error of this step, over the items that both have source: Kolassa and Schütz 2007
--   wape_reason                          VARCHAR        Why wape is undefined; step_before_wape and value_added are undefined then too
--   step_before_wape                     DECIMAL(36,6)  [fraction; ratio of step_before_absolute_error_quantity ÷ absolute_actual_quantity] wape of the step before, over the same items
--   value_added                          DECIMAL(36,6)  [fraction; ratio of (step_before_absolute_error_quantity - absolute_error_quantity) ÷ absolute_actual_quantity; more is better] What this step gains over the one before, positive = it helps := step_before_wape − wape source: Gilliland 2002
-- fmt: on
with
    steps as (
        select
            unnest(forecast_steps) as forecast_step,
            unnest(list_prepend('naive', forecast_steps)[1:len(forecast_steps)]) as step_before
        from build.settings
    ),

    compared as (
        select
            errors.period_month,
            errors.forecast_step,
            errors.lag,
            errors.by_account,
            errors.by_product,
            errors.account_id,
            steps.step_before,
            errors.least_unit,
            errors.greatest_unit,
            errors.actual,
            errors.forecast,
            case when steps.step_before = 'naive' then errors.naive else before.forecast end as forecast_before,
            forecast_before is not null as is_compared
        from core.forecast_errors as errors
        join steps on steps.forecast_step = errors.forecast_step
        -- Items of another grain have other numbers: such steps have no item in common.
        left join
            core.forecast_errors as before
            on before.forecast_step = steps.step_before
            and before.period_month = errors.period_month
            and before.lag = errors.lag
            and before.item_no = errors.item_no
            and before.is_forecast
        where errors.is_forecast
    ),

    added as (
        select
            period_month,
            forecast_step,
            lag,
            by_account,
            by_product,
            account_id,
            step_before,
            count_if(is_compared) as n,
            count_if(not is_compared) as n_alone,
            units_reason(
                min(least_unit) filter (is_compared) <> max(greatest_unit) filter (is_compared)
            ) as quantity_reason,
            coalesce(sum(actual) filter (is_compared), 0) as actual_quantity,
            coalesce(sum(abs(actual)) filter (is_compared), 0) as absolute_actual_quantity,
            coalesce(sum(abs(actual - forecast)) filter (is_compared), 0) as absolute_error_quantity,
            coalesce(sum(abs(actual - forecast_before)) filter (is_compared), 0) as step_before_absolute_error_quantity
        from compared
        group by period_month, forecast_step, lag, by_account, by_product, account_id, step_before
    ),

    measured as (
        select
            * exclude (
                actual_quantity, absolute_actual_quantity, absolute_error_quantity, step_before_absolute_error_quantity
            ),
            case when quantity_reason is null then columns('_quantity$') end,
            case
                when quantity_reason is not null
                then quantity_reason
                when n = 0
                then 'no item was forecast by both'
                when absolute_actual_quantity = 0
                then 'nothing was sold'
            end as wape_reason
        from added
    )

select
    measured.*,
    case when measured.by_account then known(accounts.account_name) end as account_name,
    case when measured.by_account then known(accounts.account_manager) end as account_manager,
    forecast_grain(measured.by_account, measured.by_product) as forecast_grain,
    shown_ratio(ratio(measured.absolute_error_quantity, measured.absolute_actual_quantity)) as wape,
    shown_ratio(
        ratio(measured.step_before_absolute_error_quantity, measured.absolute_actual_quantity)
    ) as step_before_wape,
    step_before_wape - wape as value_added
from measured
left join core.accounts as accounts on accounts.account_id = measured.account_id
