-- fmt: off
-- why: the bridge explains another change of sales than the one that took place
-- needs: actual_sales
-- Items that lack a rate have no bridge; they are left out on both sides.
-- fmt: on
with
    bases as (select distinct period_month, plan_version, plan_month from build.sales_bridge),

    sold as (
        select
            sales_month,
            account_id,
            product_id,
            case when (select actual = 'ordered' from build.settings) then ordered_amount else net_amount end as amount
        from core.item_sales_amounts
    ),

    changes as (
        select bases.period_month, bases.plan_version, sold.account_id, sold.product_id, sold.amount
        from sold
        join bases on bases.period_month = sold.sales_month
        union all
        select bases.period_month, bases.plan_version, sold.account_id, sold.product_id, - sold.amount
        from sold
        join bases on bases.plan_month = sold.sales_month
    ),

    without_bridge as (from build.sales_bridge where bridge_status like 'no rate%'),

    sides as (
        select period_month, plan_version, account_id, amount as left_amount, 0 as right_amount
        from changes
        anti join
            without_bridge
            on without_bridge.period_month = changes.period_month
            and without_bridge.plan_version = changes.plan_version
            and without_bridge.account_id = changes.account_id
            and without_bridge.product_id is not distinct from changes.product_id
        union all
        select
            period_month,
            plan_version,
            account_id,
            0,
            volume_effect + mix_effect + price_effect + fx_effect + new_effect + lost_effect + adjustment_effect
        from build.sales_bridge
    )

select
    period_month,
    'sales less those of the ' || plan_version || ' = lanes of the sales bridge' as control,
    '' as currency,
    'account ' || account_id as item,
    left_amount,
    right_amount
from sides
