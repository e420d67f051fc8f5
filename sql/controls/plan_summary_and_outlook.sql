-- fmt: off
-- why: the outlook of the year begins with other sales than the comparison with the plan has
-- needs: sales_plan, actual_sales
-- Accounts of which a sale has no rate are left out on both sides: the year to date leaves out such months, the outlook is undefined.
-- fmt: on
with
    sides as (
        select period_month, plan_version, account_id, ytd_actual_amount as left_amount, 0 as right_amount
        from build.sales_plan_summary
        where level = 'account'
        union all
        select period_month, plan_version, account_id, 0, actual_amount
        from build.full_year_outlook
    ),

    undefined as (
        select period_month, plan_version, account_id
        from build.full_year_outlook
        where actual_amount_reason is not null
    )

select
    sides.period_month,
    'sales of the fiscal year = full-year outlook, plan ' || sides.plan_version as control,
    '' as currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join
    undefined
    on undefined.period_month = sides.period_month
    and undefined.plan_version = sides.plan_version
    and undefined.account_id = sides.account_id
