-- fmt: off
-- grain: month with a version that waits for approval      from: ops.preliminary, ops.shown_closes
-- why: what somebody has to look at, and what readers see until then
-- fmt: on
select
    waiting.period_month as month,
    waiting.close_version as version,
    coalesce(max(shown.close_version), 0) as seen,
    any_value(waiting.verdict) as verdict,
    any_value(waiting.closed_at) as closed_at,
    any_value(coalesce(waiting.closed_identity, waiting.closed_by)) as closed_by
from ops.preliminary as waiting
left join ops.shown_closes as shown on shown.period_month = waiting.period_month
where waiting.is_waiting
group by waiting.period_month, waiting.close_version
order by waiting.period_month
