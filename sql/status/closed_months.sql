-- fmt: off
-- grain: closed month, its newest version      from: ops.closes
-- why: what `kam status` shows of each month
-- fmt: on
select
    strftime(period_month, '%Y-%m') as "Month",
    close_version::varchar as "Version",
    verdict as "Verdict",
    strftime(closed_at, '%Y-%m-%d %H:%M') as "Closed (UTC)",
    closed_by as "By",
    coalesce(reason, '') as "Reason"
from ops.closes
qualify close_version = max(close_version) over (partition by period_month)
order by period_month
