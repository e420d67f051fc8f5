-- fmt: off
-- grain: month looked back on × account
-- why: how far the fiscal year to date is from the plan, at each month's end; of several plan versions the worst
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
--   seen          VARCHAR
-- fmt: on
with
    months as (
        select
            items.plan_version,
            items.item.account_id as account_id,
            items.period_month,
            complete_sum(items.exact_plan_amount, true) as plan_amount,
            complete_sum(items.exact_actual_amount, true) as actual_amount
        from core.plan_items as items
        join core.plan_versions as versions on versions.plan_version = items.plan_version
        where versions.by_account_id and (items.has_plan_line or items.has_sales)
        group by items.plan_version, items.item.account_id, items.period_month
    ),

    to_date as (
        select
            looked.period_month as looked_month,
            months.plan_version,
            months.account_id,
            round(complete_sum(months.plan_amount, true), 2) as plan_amount,
            round(complete_sum(months.actual_amount, true), 2) as actual_amount
        from core.plan_months as looked
        join
            core.plan_months as earlier
            on earlier.plan_version = looked.plan_version
            and earlier.fiscal_year = looked.fiscal_year
            and earlier.month_index <= looked.month_index
        join months on months.plan_version = earlier.plan_version and months.period_month = earlier.period_month
        group by looked.period_month, months.plan_version, months.account_id
    ),

    variances as (
        select
            looked_month,
            account_id,
            plan_version,
            shown_ratio(ratio(actual_amount - plan_amount, greatest(plan_amount, 0))) as ytd_variance_ratio
        from to_date
    )

select
    looked_month,
    account_id,
    'sales_plan_summary_by_account.ytd_variance_ratio' as measure,
    min(ytd_variance_ratio)::decimal(36, 6) as figure,
    'plan_version ' || arg_min(plan_version, (ytd_variance_ratio, plan_version)) as look_at,
    'in the fiscal year' as seen
from variances
where ytd_variance_ratio is not null
group by looked_month, account_id
