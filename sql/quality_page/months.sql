-- fmt: off
-- grain: month that was closed, tried or taken back      from: ops.shown_closes, ops.failed_closes, ops.withdrawals
-- why: what the quality page says of each month: its newest version, the attempt that failed since, or that it was taken back
-- fmt: on
with
    closes as (
        select * from ops.shown_closes qualify close_version = max(close_version) over (partition by period_month)
    ),

    withdrawals as (
        select *
        from ops.withdrawals
        anti join ops.preliminary using (period_month, close_version)
        qualify close_version = max(close_version) over (partition by period_month)
    ),

    -- A version that was taken back and has a newer one is history.
    withdrawn as (
        select withdrawals.*
        from withdrawals
        left join closes on closes.period_month = withdrawals.period_month
        where closes.close_version is null or closes.close_version < withdrawals.close_version
    )

select
    coalesce(closes.period_month, failed.period_month, withdrawn.period_month) as period_month,
    coalesce(closes.close_version, 0) as version,
    case when failed.period_month is not null then 'failed' else coalesce(closes.verdict, 'withdrawn') end as verdict,
    case
        when failed.period_month is null then coalesce(closes.closed_at, withdrawn.withdrawn_at) else failed.failed_at
    end as at,
    case
        when failed.period_month is null then coalesce(closes.closed_by, withdrawn.withdrawn_by) else failed.failed_by
    end as by,
    case
        when failed.period_month is null
        then coalesce(nullif(closes.reason, ''), closes.manifest ->> '$.even_though.reason', '')
        else ''
    end as reason,
    coalesce(failed.message, '') as message,
    coalesce(failed.as_of_load, closes.as_of_load, 0) as as_of_load,
    coalesce(withdrawn.close_version, 0) as withdrawn_version,
    coalesce(withdrawn.reason, '') as withdrawn_because
from closes
full join ops.failed_closes as failed on failed.period_month = closes.period_month
full join withdrawn on withdrawn.period_month = coalesce(closes.period_month, failed.period_month)
order by 1 desc
