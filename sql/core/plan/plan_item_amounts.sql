-- fmt: off
-- grain: plan version × business month × item, where it has a plan, sales, or sales a year before
-- why: plan, sales and sales a year before, added up over currencies; what lacks a rate brings a reason
-- materialise: view
-- columns:
--   plan_version            VARCHAR
--   period_month            DATE
--   item                    STRUCT(account_id VARCHAR, product_id VARCHAR, product_line VARCHAR, account_manager VARCHAR, region VARCHAR)
--   has_plan_line           BOOLEAN
--   has_sales               BOOLEAN
--   plan_rate_missing       BOOLEAN
--   average_rate_missing    BOOLEAN
--   rate_reason             VARCHAR
--   prior_year_rate_reason  VARCHAR
--   plan_quantity           DECIMAL(38,4)
--   plan_amount             DECIMAL(38,8)
--   quantity                DECIMAL(38,4)
--   amount_at_plan_rate     DECIMAL(38,14)
--   amount                  DECIMAL(38,14)
--   other_amount            DECIMAL(38,14)
--   prior_year_amount       DECIMAL(38,14)
--   least_unit              VARCHAR
--   greatest_unit           VARCHAR
-- fmt: on
with
    plan as (
        select
            plan_lines.plan_version,
            plan_lines.period_month,
            plan_lines.item,
            plan_lines.currency,
            plan_lines.quantity as plan_quantity,
            coalesce(plan_lines.fx_rate, rates.plan_rate) as rate,
            at_rate(plan_lines.amount_doc, coalesce(plan_lines.fx_rate, rates.plan_rate)) as plan_amount,
            plan_lines.fx_rate
        from core.plan_lines as plan_lines
        join core.plan_months as plan_months using (plan_version, period_month)
        left join core.plan_rates as rates using (plan_version, period_month, currency)
    ),

    actual as (
        select
            plan_months.plan_version,
            plan_months.period_month,
            sales.item,
            sales.currency,
            sales.quantity,
            sales.quantity_amount_doc,
            sales.other_amount_doc,
            sales.least_unit,
            sales.greatest_unit
        from core.plan_sales as sales
        join core.plan_versions as versions using (plan_grain)
        join core.plan_months as plan_months using (plan_version, period_month)
        anti join
            core.plan_outside as outside
            on outside.plan_version = plan_months.plan_version
            and outside.fiscal_year = plan_months.fiscal_year
            and outside.item = sales.item
    ),

    prior_year as (
        select
            plan_months.plan_version,
            plan_months.period_month,
            sales.item,
            sales.currency,
            month_rates.average_rate as rate,
            (sales.quantity_amount_doc + sales.other_amount_doc) * month_rates.average_rate as prior_year_amount
        from core.plan_sales as sales
        join core.plan_versions as versions using (plan_grain)
        join
            core.plan_months as plan_months
            on plan_months.plan_version = versions.plan_version
            and plan_months.prior_year_month = sales.period_month
            and plan_months.is_built
        left join
            core.month_rates as month_rates
            on month_rates.period_month = sales.period_month
            and month_rates.currency = sales.currency
        anti join
            core.plan_outside as outside
            on outside.plan_version = plan_months.plan_version
            and outside.fiscal_year = plan_months.fiscal_year
            and outside.item = sales.item
    ),

    facts as (
        select 'plan' as source, *
        from plan
        union all by name
        select 'actual' as source, *
        from actual
        union all by name
        select 'prior_year' as source, *
        from prior_year
    ),

    -- By currency first: the rate of an item's plan line also values its sales in that currency.
    by_currency as (
        select
            plan_version,
            period_month,
            item,
            currency,
            count(*) filter (where source = 'plan') > 0 as is_planned,
            count(*) filter (where source = 'actual') > 0 as is_sold,
            bool_or(source = 'plan' and rate is null) as plan_rate_missing,
            bool_or(source = 'prior_year' and rate is null) as prior_year_rate_missing,
            max(fx_rate) as fx_rate,
            sum(plan_quantity) as plan_quantity,
            sum(plan_amount) as plan_amount,
            sum(quantity) as quantity,
            sum(quantity_amount_doc) as quantity_amount_doc,
            sum(other_amount_doc) as other_amount_doc,
            sum(prior_year_amount) as prior_year_amount,
            min(least_unit) as least_unit,
            max(greatest_unit) as greatest_unit
        from facts
        group by plan_version, period_month, item, currency
    ),

    valued as (
        select
            by_currency.*,
            by_currency.is_sold and rates.average_rate is null as average_rate_missing,
            by_currency.quantity_amount_doc * coalesce(by_currency.fx_rate, rates.plan_rate) as amount_at_plan_rate,
            by_currency.quantity_amount_doc * rates.average_rate as amount,
            by_currency.other_amount_doc * rates.average_rate as other_amount
        from by_currency
        left join core.plan_rates as rates using (plan_version, period_month, currency)
    )

select
    plan_version,
    period_month,
    item,
    bool_or(is_planned) as has_plan_line,
    bool_or(is_sold) as has_sales,
    bool_or(plan_rate_missing) as plan_rate_missing,
    bool_or(average_rate_missing) as average_rate_missing,
    no_rate(min(currency) filter (where plan_rate_missing or average_rate_missing)) as rate_reason,
    no_rate(min(currency) filter (where prior_year_rate_missing)) as prior_year_rate_reason,
    sum(plan_quantity) as plan_quantity,
    coalesce(sum(plan_amount), 0) as plan_amount,
    sum(quantity) as quantity,
    coalesce(sum(amount_at_plan_rate), 0) as amount_at_plan_rate,
    coalesce(sum(amount), 0) as amount,
    coalesce(sum(other_amount), 0) as other_amount,
    coalesce(sum(prior_year_amount), 0) as prior_year_amount,
    min(least_unit) as least_unit,
    max(greatest_unit) as greatest_unit
from valued
group by plan_version, period_month, item
