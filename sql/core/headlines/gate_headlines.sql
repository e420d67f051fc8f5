-- fmt: off
-- grain: month looked back on × account, from its first project on
-- why: by how many days the open gate that is furthest behind slips, against the day requested, else the day planned first; 0 where
--   none does
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    slips as (
        select *, case when not is_done then coalesce(slip_days_requested, slip_days_first_planned) end as slip_days
        from core.gate_months
    )

select
    looked_month,
    account_id,
    'gate_performance.slip_days_requested' as measure,
    greatest(coalesce(max(slip_days), 0), 0)::decimal(36, 6) as figure,
    arg_max('project_id ' || project_id || ', gate ' || gate, (slip_days, project_id, gate)) filter (
        slip_days > 0
    ) as look_at
from slips
group by looked_month, account_id
