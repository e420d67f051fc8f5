-- fmt: off
-- grain: closed month, its newest version      from: ops.standing_closes
-- why: what `kam status` shows of each month
-- fmt: on
select
    strftime(period_month, '%Y-%m') as "Month",
    close_version as "Version",
    verdict as "Verdict",
    strftime(closed_at, '%Y-%m-%d %H:%M') as "Closed (UTC)",
    closed_by as "By",
    coalesce(nullif(reason, ''), manifest ->> '$.even_though.reason', '') as "Reason"
from ops.standing_closes
qualify close_version = max(close_version) over (partition by period_month)
order by period_month
