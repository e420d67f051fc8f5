-- fmt: off
-- grain: closed month, its newest version      from: ops.standing_closes, ops.approvals, ops.preliminary
-- why: what `kam status` shows of each month
-- fmt: on
select
    strftime(closes.period_month, '%Y-%m') as "Month",
    closes.close_version as "Version",
    closes.verdict as "Verdict",
    strftime(closes.closed_at, '%Y-%m-%d %H:%M') as "Closed (UTC)",
    coalesce(closes.closed_identity, closes.closed_by) as "By",
    coalesce(nullif(closes.reason, ''), closes.manifest ->> '$.even_though.reason', '') as "Reason",
    case
        when preliminary.period_month is not null
        then 'waits'
        when approvals.period_month is not null
        then
            coalesce(approvals.approved_identity, approvals.approved_by)
            || strftime(approvals.approved_at, ', %Y-%m-%d %H:%M UTC')
        else ''
    end as "Approved"
from ops.standing_closes as closes
left join
    ops.approvals as approvals
    on approvals.period_month = closes.period_month
    and approvals.close_version = closes.close_version
left join
    ops.preliminary as preliminary
    on preliminary.period_month = closes.period_month
    and preliminary.close_version = closes.close_version
qualify closes.close_version = max(closes.close_version) over (partition by closes.period_month)
order by closes.period_month
