-- fmt: off
-- grain: period_month, account_id, plan_version
-- why: where the fiscal year will end, against the plan: what is sold so far, and for each month to come the forecast of the account,
--   else its plan. Only for plan versions by account. A forecast is valued at the price of the item's last month with sales
--   (net amount ÷ net quantity), else at that of the plan, else at the list price
-- method: full-year-outlook-1
-- needs: sales_plan, actual_sales
-- adds up within one: plan_version
-- lines: core.outlook_forecasts by period_month, account_id;
--   core.outlook_plan by period_month, plan_version, account_id sums year_plan_amount = case when years_ahead = 0 then amount end,
--     three_year_plan_amount = amount;
--   core.plan_items by plan_version, item.account_id = account_id where line.has_sales and (figure.period_month, line.plan_version,
--     line.period_month) in (select (built.period_month, months.plan_version, months.period_month) from core.plan_months as months join
--     core.plan_months as built on built.plan_version = months.plan_version and built.fiscal_year = months.fiscal_year and
--     built.month_index >= months.month_index and built.is_built) sums actual_amount = exact_actual_amount
-- columns:
--   period_month                       DATE
--   account_id                         VARCHAR
--   account_name                       VARCHAR
--   account_manager                    VARCHAR
--   plan_version                       VARCHAR
--   snapshot_month                     DATE           The month at whose end the forecast was made; NULL where the account has none for the rest of the year
--   actual_amount                      DECIMAL(32,2)  [reporting currency; last in time; more is better] here: Net sales of the fiscal year to date
--   actual_amount_reason               VARCHAR
--   rest_forecast_amount               DECIMAL(32,2)  [reporting currency; last in time] Forecast for the rest of the fiscal year, of the months that the account has one for
--   rest_plan_amount                   DECIMAL(32,2)  [reporting currency; last in time] Plan of the other months of the rest of the fiscal year
--   rest_amount                        DECIMAL(32,2)  [reporting currency; last in time] What the rest of the fiscal year is expected to bring := rest_forecast_amount + rest_plan_amount
--   rest_amount_reason                 VARCHAR        Why rest_amount and at least one of its two parts are undefined: no rate for a currency, or no price for a part
--   outlook_amount                     DECIMAL(32,2)  [reporting currency; last in time; more is better] Net sales expected for the fiscal year := actual_amount + rest_amount
--   outlook_amount_reason              VARCHAR
--   year_plan_amount                   DECIMAL(32,2)  [reporting currency; last in time] Net sales planned for the fiscal year
--   year_plan_amount_reason            VARCHAR
--   outlook_variance_amount            DECIMAL(32,2)  [reporting currency; last in time; more is better] How far the year is expected to end above the plan; negative = below it := outlook_amount − year_plan_amount
--   outlook_variance_amount_reason     VARCHAR
--   three_year_plan_amount             DECIMAL(32,2)  [reporting currency; last in time] Net sales planned for this fiscal year and the two after
--   three_year_plan_amount_reason      VARCHAR        Why three_year_plan_amount is undefined: no rate for a currency, or the version plans nothing in one of the years
--   three_year_outlook_amount          DECIMAL(32,2)  [reporting currency; last in time; more is better] Net sales expected for these years := outlook_amount + forecast, else plan, of the months of the two years after
--   three_year_outlook_amount_reason   VARCHAR
-- fmt: on
with
    versions as (
        select
            versions.plan_version,
            versions.scope = 'planned keys' as is_partial,
            versions.by_product_id,
            versions.by_product_line,
            months.period_month,
            months.fiscal_year,
            months.month_index
        from core.plan_versions as versions
        join core.plan_months as months on months.plan_version = versions.plan_version and months.is_built
        where versions.by_account_id
    ),

    -- Of a plan for part of the business, forecasts of the rest are left out like their sales.
    forecast_items as (
        select
            versions.plan_version,
            forecasts.*,
            case
                when forecasts.quantity = 0
                then 0
                when prices.amount is not null
                then forecasts.quantity::double * prices.amount / prices.quantity::double
                when plan.amount is not null
                then forecasts.quantity::double * plan.amount::double / plan.quantity::double
                else forecasts.quantity::double * products.list_price::double * list_rates.closing_rate::double
            end as value
        from core.outlook_forecasts as forecasts
        join versions on versions.period_month = forecasts.period_month
        left join
            core.outlook_prices as prices
            on prices.period_month = forecasts.period_month
            and prices.account_id = forecasts.account_id
            and prices.product_id = forecasts.product_id
        left join
            core.outlook_plan_prices as plan
            on plan.period_month = forecasts.period_month
            and plan.plan_version = versions.plan_version
            and plan.account_id = forecasts.account_id
            and plan.product_id is not distinct from forecasts.product_id
            and plan.target_month = forecasts.target_month
        left join core.products as products on products.product_id = forecasts.product_id
        left join
            core.month_rates as list_rates
            on list_rates.period_month = forecasts.period_month
            and list_rates.currency = products.currency
        left join
            core.plan_keys as accounts
            on accounts.plan_version = versions.plan_version
            and accounts.fiscal_year = versions.fiscal_year
            and accounts.key_column = 'account_id'
            and accounts.key_value = forecasts.account_id
        left join
            core.plan_keys as parts
            on parts.plan_version = versions.plan_version
            and parts.fiscal_year = versions.fiscal_year
            and parts.key_column = 'product_id'
            and parts.key_value = forecasts.product_id
        left join
            core.plan_keys as lines
            on lines.plan_version = versions.plan_version
            and lines.fiscal_year = versions.fiscal_year
            and lines.key_column = 'product_line'
            and lines.key_value = known(products.product_line)
        where
            not versions.is_partial
            or (
                accounts.key_value is not null
                and (parts.key_value is not null or not versions.by_product_id)
                and (lines.key_value is not null or not versions.by_product_line)
            )
    ),

    valued as (
        select
            *,
            case when abs(value) < 1e27 then money_round(value) end as amount,
            case
                when value is null
                then 'no price for ' || coalesce('the part ' || product_id, 'a forecast without a part')
                when amount is null
                then 'quantity × price is 10²⁷ or more'
            end as amount_reason
        from forecast_items
    ),

    -- Row by row one month of one account: its plan, and its forecast where there is one.
    forecast_months as (
        select
            period_month,
            plan_version,
            account_id,
            target_month,
            years_ahead,
            any_value(snapshot_month) as snapshot_month,
            complete_sum(amount, true) as forecast_amount,
            min(amount_reason) as forecast_reason
        from valued
        group by period_month, plan_version, account_id, target_month, years_ahead
    ),

    plan_months as (
        select plan.* exclude (amount, amount_reason), plan.amount as plan_amount, plan.amount_reason as plan_reason
        from core.outlook_plan as plan
        semi join versions on versions.plan_version = plan.plan_version and versions.period_month = plan.period_month
    ),

    months as (
        select
            *,
            snapshot_month is not null as is_forecast,
            plan_amount is not null or plan_reason is not null as is_planned,
            is_planned and is_to_come and not is_forecast as is_as_planned
        from plan_months
        full join forecast_months using (period_month, plan_version, account_id, target_month, years_ahead)
    ),

    expected as (
        select
            period_month,
            plan_version,
            account_id,
            true as has_expected,
            max(snapshot_month) filter (years_ahead = 0) as snapshot_month,
            complete_sum(forecast_amount, is_forecast and years_ahead = 0) as rest_forecast_amount,
            round(complete_sum(plan_amount, is_as_planned and years_ahead = 0), 2) as rest_plan_amount,
            coalesce(
                min(forecast_reason) filter (is_forecast and years_ahead = 0),
                min(plan_reason) filter (is_as_planned and years_ahead = 0)
            ) as rest_reason,
            complete_sum(forecast_amount, is_forecast and years_ahead > 0)
            + round(complete_sum(plan_amount, is_as_planned and years_ahead > 0), 2) as later_amount,
            coalesce(
                min(forecast_reason) filter (is_forecast and years_ahead > 0),
                min(plan_reason) filter (is_as_planned and years_ahead > 0)
            ) as later_reason,
            round(complete_sum(plan_amount, is_planned and years_ahead = 0), 2) as year_plan_amount,
            min(plan_reason) filter (is_planned and years_ahead = 0) as year_plan_reason,
            round(complete_sum(plan_amount, is_planned), 2) as three_year_plan_amount,
            min(plan_reason) filter (is_planned) as three_year_plan_reason
        from months
        group by period_month, plan_version, account_id
    ),

    sold as (
        select
            versions.period_month,
            items.plan_version,
            items.item.account_id as account_id,
            round(complete_sum(items.exact_actual_amount, items.has_sales), 2) as actual_amount,
            min(items.bridge_reason) filter (items.has_sales and items.exact_actual_amount is null) as actual_reason
        from core.plan_items as items
        join
            core.plan_months as months
            on months.plan_version = items.plan_version
            and months.period_month = items.period_month
        join
            versions
            on versions.plan_version = months.plan_version
            and versions.fiscal_year = months.fiscal_year
            and versions.month_index >= months.month_index
        where (items.has_sales or items.has_plan_line) and items.item.account_id is not null
        group by all
    ),

    planned_years as (
        select distinct sales_plan.plan_version, months.fiscal_year
        from core.plan_rows as sales_plan
        join core.months as months on months.period_month = sales_plan.month
    ),

    -- A version that ends with this year says nothing of the next ones.
    horizons as (
        select
            versions.plan_version,
            versions.period_month,
            'the version plans nothing in fiscal year ' || case
                when bool_or(planned.fiscal_year = versions.fiscal_year + 1)
                then any_value(versions.fiscal_year) + 2
                else any_value(versions.fiscal_year) + 1
            end as missing_year
        from versions
        join planned_years as planned on planned.plan_version = versions.plan_version
        group by versions.plan_version, versions.period_month
        having
            count_if(planned.fiscal_year > versions.fiscal_year and planned.fiscal_year <= versions.fiscal_year + 2) < 2
    ),

    joined as (
        select
            period_month,
            plan_version,
            account_id,
            expected.snapshot_month,
            coalesce(sold.actual_amount, case when sold.actual_reason is null then 0 end) as actual_amount,
            sold.actual_reason as actual_amount_reason,
            -- An account with sales only has neither plan nor forecast.
            case when has_expected is null then 0 else rest_forecast_amount end as rest_forecast_amount,
            case when has_expected is null then 0 else rest_plan_amount end as rest_plan_amount,
            case when has_expected is null then 0 else later_amount end as later_amount,
            case when has_expected is null then 0 else year_plan_amount end as year_plan_amount,
            case when has_expected is null then 0 else three_year_plan_amount end as three_year_plan_amount,
            expected.rest_reason as rest_amount_reason,
            expected.later_reason,
            expected.year_plan_reason as year_plan_amount_reason,
            coalesce(expected.three_year_plan_reason, horizons.missing_year) as three_year_plan_amount_reason,
            coalesce(sold.actual_reason, expected.rest_reason) as outlook_amount_reason
        from sold
        full join expected using (period_month, plan_version, account_id)
        left join horizons using (period_month, plan_version)
    )

select
    joined.period_month,
    joined.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    joined.plan_version,
    joined.snapshot_month,
    joined.actual_amount,
    joined.actual_amount_reason,
    joined.rest_forecast_amount,
    joined.rest_plan_amount,
    joined.rest_forecast_amount + joined.rest_plan_amount as rest_amount,
    joined.rest_amount_reason,
    joined.actual_amount + rest_amount as outlook_amount,
    joined.outlook_amount_reason,
    joined.year_plan_amount,
    joined.year_plan_amount_reason,
    outlook_amount - joined.year_plan_amount as outlook_variance_amount,
    coalesce(joined.outlook_amount_reason, joined.year_plan_amount_reason) as outlook_variance_amount_reason,
    case
        when joined.three_year_plan_amount_reason is null then joined.three_year_plan_amount
    end as three_year_plan_amount,
    joined.three_year_plan_amount_reason,
    coalesce(
        joined.outlook_amount_reason, joined.later_reason, joined.three_year_plan_amount_reason
    ) as three_year_outlook_amount_reason,
    case
        when three_year_outlook_amount_reason is null then outlook_amount + joined.later_amount
    end as three_year_outlook_amount
from joined
left join core.accounts as accounts on accounts.account_id = joined.account_id
