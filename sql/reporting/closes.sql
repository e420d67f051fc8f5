-- fmt: off
-- grain: period_month, close_version
-- why: who closed which month when, from which load, and why it was closed again
-- columns:
--   period_month   DATE
--   close_version  BIGINT
--   is_newest      BOOLEAN    Whether the tables of reporting show this version
--   verdict        VARCHAR    good, or warning when a check of that severity failed
--   as_of_load     BIGINT
--   closed_at      TIMESTAMP  When the version was committed, in UTC
--   closed_by      VARCHAR    Who ran the close
--   reason         VARCHAR    Why the month was closed again; an empty text for the first version
--   even_though    VARCHAR    Why the month was closed although it was not ready; an empty text where it was ready
--   not_ready      VARCHAR    What it lacked then; an empty text where it was ready
--   withdrawn_at   TIMESTAMP  When the version was taken back, in UTC; NULL while it stands
--   withdrawn_by   VARCHAR    Who took it back
--   withdrawn_because VARCHAR Why it was taken back
--   approved_at    TIMESTAMP  When the version was approved, in UTC; NULL where it needed no approval
--   approved_by    VARCHAR    Who approved it
--   approval_comment VARCHAR  What the approver wrote
--   content_hash   VARCHAR    Hash of all rows of the version, without load ids and times
--   settings_hash  VARCHAR    Hash of the settings that decide figures
--   models_hash    VARCHAR    Hash of the SQL models
-- fmt: on
select
    closes.period_month,
    closes.close_version,
    withdrawals.period_month is null
    and closes.close_version = max(closes.close_version) filter (withdrawals.period_month is null) over (
        partition by closes.period_month
    ) as is_newest,
    closes.verdict,
    closes.as_of_load,
    closes.closed_at,
    coalesce(closes.closed_identity, closes.closed_by) as closed_by,
    closes.reason,
    coalesce(closes.manifest ->> '$.even_though.reason', '') as even_though,
    coalesce(array_to_string((closes.manifest -> '$.even_though.unmet')::varchar[], '; '), '') as not_ready,
    withdrawals.withdrawn_at,
    coalesce(withdrawals.withdrawn_identity, withdrawals.withdrawn_by) as withdrawn_by,
    withdrawals.reason as withdrawn_because,
    approvals.approved_at,
    coalesce(approvals.approved_identity, approvals.approved_by) as approved_by,
    approvals.comment as approval_comment,
    closes.content_hash,
    closes.settings_hash,
    closes.models_hash
from ops.closes as closes
anti join
    ops.preliminary as preliminary
    on preliminary.period_month = closes.period_month
    and preliminary.close_version = closes.close_version
left join
    ops.withdrawals as withdrawals
    on withdrawals.period_month = closes.period_month
    and withdrawals.close_version = closes.close_version
left join
    ops.approvals as approvals
    on approvals.period_month = closes.period_month
    and approvals.close_version = closes.close_version
