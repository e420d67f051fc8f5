-- fmt: off
-- invariant: At every level, what is owed and billed adds up to the same total, and that is the sum of the open
--   items.
-- finding: {n} (level adds up|levels add up) to another total than the open items
-- if it fails: the DSO of a manager and of the company are measured over different documents; a level lost or
--   doubled some.
-- severity: critical
-- owner: Data engineering
-- keys: level, level_closing_amount, total_closing_amount, item_amount, level_billed_amount, total_billed_amount
-- fmt: on
with
    levels as (
        select
            period_month,
            level,
            complete_sum(closing_amount, true) as level_closing_amount,
            complete_sum(current_amount, true) as level_current_amount,
            coalesce(sum(billed_amount), 0) as level_billed_amount
        from build.receivables_kpis
        group by period_month, level
    ),

    totals as (
        select
            period_month,
            level_closing_amount as total_closing_amount,
            level_current_amount as total_current_amount,
            level_billed_amount as total_billed_amount
        from levels
        where level = 'total'
    ),

    items as (
        select period_month, complete_sum(outstanding_amount, true) as item_amount
        from build.receivables_ageing
        group by period_month
    )

select *
from levels
left join totals using (period_month)
left join items using (period_month)
where
    level_closing_amount is distinct from total_closing_amount
    or level_current_amount is distinct from total_current_amount
    or level_billed_amount is distinct from total_billed_amount
    or (items.period_month is not null and total_closing_amount is distinct from item_amount)
