-- fmt: off
-- grain: one row, for a version of $month      from: ops.closes, ops.withdrawals
-- why: the version of the month before that it opens from. One that was built together with that month opens from the newest version
--   that stood there when it was committed, also where that was withdrawn later; NULL where there was none
-- fmt: on
with
    this as (
        select rowid as committed, closed_at, (manifest ->> '$.opened_from_version')::bigint as opened_from
        from ops.closes
        where period_month = $month and close_version = $version
    )
select
    coalesce(
        any_value(this.opened_from),
        max(earlier.close_version) filter (
            earlier.committed < this.committed
            and (earlier.withdrawn_at is null or earlier.withdrawn_at >= this.closed_at)
        )
    ) as opened_from
from this
left join
    (
        select closes.rowid as committed, closes.close_version, withdrawals.withdrawn_at
        from ops.closes as closes
        left join ops.withdrawals as withdrawals using (period_month, close_version)
        where closes.period_month = $before
    ) as earlier
    on true
