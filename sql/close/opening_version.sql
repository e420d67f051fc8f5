-- fmt: off
-- grain: one row, for a version of $month      from: ops.closes, ops.withdrawals
-- why: the version of the month before that it opens from. One that was built together with that month opens from the newest version
--   that stood there when it was committed; NULL where there was none
-- fmt: on
with
    this as (
        select rowid as committed, (manifest ->> '$.opened_from_version')::bigint as opened_from
        from ops.closes
        where period_month = $month and close_version = $version
    )
select
    coalesce(
        any_value(this.opened_from), max(earlier.close_version) filter (earlier.committed < this.committed)
    ) as opened_from
from this
left join
    (
        select closes.rowid as committed, closes.close_version
        from ops.closes as closes
        anti join ops.withdrawals as withdrawals using (period_month, close_version)
        where closes.period_month = $before
    ) as earlier
    on true
