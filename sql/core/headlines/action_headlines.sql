-- fmt: off
-- grain: month looked back on × account × measure, from its first action on
-- why: how many actions of an account are open and overdue at each month's end. With nothing open both are 0
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    first_days as (select account_id, min(opened_date) as first_date from core.actions group by account_id),

    counted as (
        select
            months.looked_month,
            first_days.account_id,
            count(*) filter (actions.is_open) as open_count,
            count(*) filter (actions.is_overdue) as overdue_count
        from first_days
        join months on months.as_of_date >= first_days.first_date
        left join
            core.action_months as actions
            on actions.looked_month = months.looked_month
            and actions.account_id = first_days.account_id
        group by months.looked_month, first_days.account_id
    )

select looked_month, account_id, 'action_status.open' as measure, open_count::decimal(36, 6) as figure
from counted
union all
select looked_month, account_id, 'action_status.overdue', overdue_count::decimal(36, 6)
from counted
