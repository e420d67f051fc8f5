-- fmt: off
-- grain: month looked back on × action that is open at its end, or was opened, done or cancelled in it
-- why: what is known of an action at the month's end, from its dates. Where later loads overwrote a date, the newest one loaded that
--   is not after the month's end counts. Dates that the newest load has taken away were never true
-- columns:
--   looked_month      DATE
--   action_id         VARCHAR
--   account_id        VARCHAR
--   kind              VARCHAR
--   plan_id           VARCHAR
--   owner             VARCHAR
--   measure           VARCHAR
--   baseline          DECIMAL(18,4)
--   target            DECIMAL(18,4)
--   about             VARCHAR
--   title             VARCHAR
--   opened_date       DATE
--   due_date          DATE
--   done_date         DATE
--   cancelled_date    DATE
--   updated_date      DATE
--   is_opened         BOOLEAN
--   is_done           BOOLEAN
--   is_done_on_time   BOOLEAN
--   is_cancelled      BOOLEAN
--   is_open           BOOLEAN
--   is_overdue        BOOLEAN
--   is_not_updated    BOOLEAN
--   age_days          BIGINT
-- fmt: on
with
    months as (
        select period_month as looked_month, start_date, as_of_date
        from core.months
        where period_month in (select looked_month from core.looked_months)
    ),

    known_then as (
        select
            months.looked_month,
            dates.action_id,
            arg_max(dates.done_date, dates.load_id) filter (dates.done_date <= months.as_of_date) as done_date,
            arg_max(dates.cancelled_date, dates.load_id) filter (
                dates.cancelled_date <= months.as_of_date
            ) as cancelled_date,
            arg_max(dates.updated_date, dates.load_id) filter (dates.updated_date <= months.as_of_date) as updated_date
        from core.action_dates as dates
        cross join months
        group by months.looked_month, dates.action_id
    ),

    dated as (
        select
            months.looked_month,
            months.start_date,
            months.as_of_date,
            actions.* exclude (done_date, cancelled_date, updated_date),
            case when actions.done_date is not null then known_then.done_date end as done_date,
            case when actions.cancelled_date is not null then known_then.cancelled_date end as cancelled_date,
            known_then.updated_date
        from core.actions as actions
        join months on actions.opened_date <= months.as_of_date
        left join
            known_then on known_then.looked_month = months.looked_month and known_then.action_id = actions.action_id
    ),

    states as (
        select
            *,
            done_date is null and cancelled_date is null as is_open,
            opened_date >= start_date as is_opened,
            coalesce(done_date >= start_date, false) as is_done,
            -- What was done and then given up was done.
            done_date is null and coalesce(cancelled_date >= start_date, false) as is_cancelled
        from dated
    )

select
    looked_month,
    action_id,
    account_id,
    known(kind) as kind,
    plan_id,
    owner,
    measure,
    baseline,
    target,
    about,
    title,
    opened_date,
    due_date,
    done_date,
    cancelled_date,
    updated_date,
    is_opened,
    is_done,
    is_done and coalesce(done_date <= due_date, false) as is_done_on_time,
    is_cancelled,
    is_open,
    is_open and coalesce(due_date < as_of_date, false) as is_overdue,
    is_open and as_of_date - coalesce(updated_date, opened_date) > 7 as is_not_updated,
    case when is_open then as_of_date - opened_date end as age_days
from states
where is_open or is_opened or is_done or is_cancelled
