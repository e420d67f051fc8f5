-- fmt: off
-- grain: month to build      from: core.months, ops.standing_closes
-- why: a month opens from the newest version of the month before that was made with no more than the knowledge $as_of_load,
--   unless that month is one of $months too and $restate makes closed months anew; a month that is locked keeps its version
-- fmt: on
with
    previous as (
        select period_month, max(close_version) as close_version
        from ops.standing_closes
        where as_of_load <= $as_of_load
        group by period_month
    )
select
    months.*,
    case
        when
            $restate
            and locked.period_month is null
            and list_contains($months, (months.period_month - interval 1 month)::date)
        then null
        else previous.close_version
    end as previous_version
from core.months as months
left join previous on previous.period_month = months.period_month - interval 1 month
left join ops.locked_months as locked on locked.period_month = months.period_month - interval 1 month
where list_contains($months, months.period_month)
order by months.period_month
