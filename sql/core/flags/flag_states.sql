-- fmt: off
-- grain: month built × account × rule that fires, or fired before and is not known to have ended
-- why: a flag is raised, continues, or is cleared. A month whose figure is not known changes nothing
-- columns:
--   period_month    DATE
--   account_id      VARCHAR
--   rule            VARCHAR
--   state           VARCHAR
--   since           DATE
--   figure          DECIMAL(36,6)
--   compared_to     DECIMAL(36,6)
--   compared_month  DATE
--   threshold       DECIMAL(36,6)
--   deviation_mads  DECIMAL(36,6)
--   look_at         VARCHAR
-- fmt: on
with
    -- The month that is twelve months ago is there to be compared with.
    fired as (select * from core.flag_findings where months_ago < 12 and is_fired is not null),

    ends as (
        select
            *,
            min(months_ago) filter (not is_fired and months_ago > 0) over (
                partition by period_month, account_id, rule
            ) as ended_months_ago
        from fired
        semi join
            (from fired where is_fired) as ever
            on ever.period_month = fired.period_month
            and ever.account_id = fired.account_id
            and ever.rule = fired.rule
    ),

    runs as (
        select
            period_month,
            account_id,
            rule,
            bool_or(is_fired) filter (months_ago = 0) as fires_now,
            max(months_ago) filter (
                is_fired and months_ago > 0 and months_ago < coalesce(ended_months_ago, 12)
            ) as since_months_ago
        from ends
        group by period_month, account_id, rule
    )

select
    runs.period_month,
    runs.account_id,
    runs.rule,
    case
        when runs.since_months_ago is null then 'raised' when coalesce(fires_now, true) then 'continuing' else 'cleared'
    end as state,
    coalesce(months.looked_month, runs.period_month) as since,
    this_month.figure,
    this_month.compared_to,
    this_month.compared_month,
    this_month.threshold,
    this_month.deviation_mads,
    this_month.look_at
from runs
left join
    core.looked_months as months
    on months.period_month = runs.period_month
    and months.months_ago = runs.since_months_ago
left join
    core.flag_findings as this_month
    on this_month.period_month = runs.period_month
    and this_month.account_id = runs.account_id
    and this_month.rule = runs.rule
    and this_month.months_ago = 0
where coalesce(runs.fires_now, false) or runs.since_months_ago is not null
