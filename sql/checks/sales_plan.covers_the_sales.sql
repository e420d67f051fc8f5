-- fmt: off
-- invariant: Every plan version plans the accounts, products, lines, managers and regions that most of the month was sold by.
-- finding: {n} plan (version does|versions do) not plan most of what was sold in {month}
-- if it fails: sales that the plan says nothing about count as a surplus over it; if the version plans a part of the business, say
--   so in kam.toml with [variance.plan_scope] "<version>" = "planned keys", else "all", and close again.
-- severity: warning
-- owner: Sales controlling
-- keys: plan_version, outside_amount, sold_amount
-- threshold: 0.25 (share of the month's sales that may lie outside the keys of a plan whose scope is not declared)
-- fmt: on
with
    planned_by as (
        select distinct keys.plan_version, keys.fiscal_year, keys.key_column
        from core.plan_keys as keys
        cross join build.settings as settings
        anti join build.plan_scopes as declared using (plan_version)
        where settings.plan_scope is null
    ),

    sold as (
        select
            periods.period_month,
            periods.fiscal_year,
            sales.account_id,
            sales.product_id,
            sales.product_line,
            sales.account_manager,
            sales.region,
            sum(sales.amount_doc::decimal(28, 4) * rates.average_rate) as amount,
            row_number() over () as sale_no
        from core.actual_sales as sales
        join build.periods as periods on periods.period_month = sales.period_month
        join core.month_rates as rates on rates.period_month = sales.period_month and rates.currency = sales.currency
        group by all
    ),

    sold_keys as (
        from
            sold unpivot include nulls(
                key_value for key_column in (account_id, product_id, product_line, account_manager, region)
            )
    ),

    -- As core.plan_outside judges the items of a version whose scope is its keys.
    judged as (
        select
            sold_keys.period_month,
            planned_by.plan_version,
            sold_keys.amount,
            count(planned.key_value) = 0
            or count(*) filter (where planned.key_value is null and sold_keys.key_value <> known(null))
            > 0 as is_outside
        from sold_keys
        join planned_by using (fiscal_year, key_column)
        left join core.plan_keys as planned using (plan_version, fiscal_year, key_column, key_value)
        group by sold_keys.period_month, planned_by.plan_version, sold_keys.sale_no, sold_keys.amount
    )

select
    period_month,
    plan_version,
    round(sum(amount) filter (where is_outside), 2) as outside_amount,
    round(sum(amount), 2) as sold_amount
from judged
group by period_month, plan_version
having outside_amount::double > threshold('sales_plan.covers_the_sales') * sold_amount::double
