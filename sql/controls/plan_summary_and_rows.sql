-- fmt: off
-- why: the total shown to management is not the sum of what its account managers see
-- needs: sales_plan, actual_sales
-- A level with a row that lacks a rate has no amount; it is left out on both sides.
-- fmt: on
with
    added_up as (
        select
            period_month,
            plan_version,
            'total' as level,
            null as account_id,
            complete_sum(variance_amount, true) as amount
        from build.sales_plan_variance
        group by period_month, plan_version
        union all
        select period_month, plan_version, 'account', account_id, complete_sum(variance_amount, true)
        from build.sales_plan_variance
        where account_id is not null
        group by period_month, plan_version, account_id
    ),

    sides as (
        select
            period_month,
            plan_version,
            level,
            account_id,
            variance_amount - rounding_effect as left_amount,
            0 as right_amount
        from build.sales_plan_summary
        where level in ('total', 'account')
        union all
        select period_month, plan_version, level, account_id, 0, amount
        from added_up
    )

select
    period_month,
    case level when 'total' then 'plan summary, total' else 'plan summary by account' end
    || ' = plan rows, plan '
    || plan_version as control,
    '' as currency,
    coalesce('account ' || account_id, level) as item,
    left_amount,
    right_amount
from sides
