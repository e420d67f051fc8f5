-- fmt: off
-- grain: month looked back on × account, from its first issue on × measure
-- why: issues that are open at each month's end, and those of them that are overdue
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    first_days as (select account_id, min(opened_date) as first_date from core.issues group by account_id),

    found as (
        select period_month as looked_month, account_id, count_if(is_open) as open, count_if(is_overdue) as overdue_open
        from core.issue_months
        where opened_date <= as_of_date
        group by period_month, account_id
    ),

    counts as (
        select
            months.looked_month,
            first_days.account_id,
            coalesce(found.open, 0) as open,
            coalesce(found.overdue_open, 0) as overdue_open
        from first_days
        join months on months.as_of_date >= first_days.first_date
        left join found on found.looked_month = months.looked_month and found.account_id = first_days.account_id
    )

select looked_month, account_id, 'issue_performance.open' as measure, open::decimal(36, 6) as figure
from counts
union all
select looked_month, account_id, 'issue_performance.overdue_open', overdue_open::decimal(36, 6)
from counts
