-- fmt: off
-- grain: close_version of one month (?)      from: ops.closes, ops.withdrawals, ops.preliminary
-- why: whether a version can be approved, and who closed it
-- fmt: on
select
    closes.close_version,
    closes.content_hash,
    closes.models_hash,
    closes.manifest,
    closes.closed_at,
    coalesce(closes.closed_identity, closes.closed_by) as closed_by,
    withdrawals.period_month is not null as is_withdrawn,
    preliminary.period_month is not null as is_preliminary
from ops.closes as closes
left join ops.withdrawals as withdrawals using (period_month, close_version)
left join ops.preliminary as preliminary using (period_month, close_version)
where closes.period_month = ?
order by closes.close_version
