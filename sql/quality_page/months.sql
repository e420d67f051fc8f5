-- fmt: off
-- grain: month that was closed or tried      from: ops.standing_closes, ops.failed_closes
-- why: what the quality page says of each month: its newest version, or the attempt that failed since
-- fmt: on
select
    coalesce(closes.period_month, failed.period_month) as period_month,
    coalesce(closes.close_version, 0) as version,
    case when failed.period_month is null then closes.verdict else 'failed' end as verdict,
    case when failed.period_month is null then closes.closed_at else failed.failed_at end as at,
    case when failed.period_month is null then closes.closed_by else failed.failed_by end as by,
    case
        when failed.period_month is null
        then coalesce(nullif(closes.reason, ''), closes.manifest ->> '$.even_though.reason', '')
        else ''
    end as reason,
    coalesce(failed.message, '') as message,
    coalesce(failed.as_of_load, closes.as_of_load) as as_of_load
from
    (
        select * from ops.standing_closes qualify close_version = max(close_version) over (partition by period_month)
    ) as closes
full join ops.failed_closes as failed on failed.period_month = closes.period_month
order by 1 desc
