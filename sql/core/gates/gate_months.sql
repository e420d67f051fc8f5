-- fmt: off
-- grain: month looked back on × project that has begun by its end × gate
-- why: where a project stands at a month's end. A decision counts on its day; where later loads overwrote it, the newest one loaded that
--   is not after the month's end counts. A new plan bears no date: it is taken from the newest load that tells of no decision after the
--   month's end, else from the first load; a gate that was added to a project later is not there before
-- columns:
--   looked_month             DATE
--   as_of_date               DATE
--   project_id               VARCHAR
--   gate                     VARCHAR
--   account_id               VARCHAR
--   product_id               VARCHAR
--   requested_date           DATE
--   planned_date             DATE
--   first_planned_date       DATE
--   actual_date              DATE
--   result                   VARCHAR
--   annual_quantity          DECIMAL(18,4)
--   unit_price               DECIMAL(24,10)
--   currency                 VARCHAR
--   lifetime_years           DECIMAL(18,4)
--   is_done                  BOOLEAN
--   is_next_gate             BOOLEAN
--   is_on_time               BOOLEAN
--   slip_days_requested      BIGINT
--   slip_days_planned        BIGINT
--   slip_days_first_planned  BIGINT
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    -- A load made after a decision was loaded was made after its day.
    loads as (
        select load_id, max(max(actual_date)) over (order by load_id) as reached_on
        from core.milestone_dates
        group by load_id
    ),

    versions as (
        select dates.*, coalesce(loads.reached_on, date '-infinity') as reached_on
        from core.milestone_dates as dates
        join loads on loads.load_id = dates.load_id
    ),

    known_then as (
        select
            months.looked_month,
            project_id,
            gate,
            arg_max(planned_date, load_id) filter (reached_on <= months.as_of_date) as planned_date,
            arg_min(planned_date, load_id) as first_planned_date,
            arg_max(actual_date, load_id) filter (actual_date <= months.as_of_date) as actual_date,
            arg_max_null(result, load_id) filter (actual_date <= months.as_of_date) as result,
            bool_or(reached_on <= months.as_of_date) as is_known,
        from versions
        cross join months
        group by months.looked_month, project_id, gate
    ),

    gates as (
        select
            months.looked_month,
            months.as_of_date,
            milestones.* exclude (planned_date, actual_date, result),
            coalesce(known_then.planned_date, known_then.first_planned_date) as planned_date,
            known_then.first_planned_date,
            case when milestones.actual_date is not null then known_then.actual_date end as actual_date,
            case when milestones.actual_date is not null then known_then.result end as result,
            coalesce(known_then.is_known, false) as is_known
        from core.milestones as milestones
        cross join months
        left join
            known_then
            on known_then.looked_month = months.looked_month
            and known_then.project_id = milestones.project_id
            and known_then.gate = milestones.gate
        qualify
            min(least(milestones.requested_date, known_then.first_planned_date, milestones.actual_date)) over (
                partition by months.looked_month, milestones.project_id
            )
            <= months.as_of_date
            and (
                coalesce(known_then.is_known, true)
                or not bool_or(coalesce(known_then.is_known, false)) over (
                    partition by months.looked_month, milestones.project_id
                )
            )
    ),

    states as (
        select
            *,
            actual_date is not null and result is distinct from 'rejected' as is_done,
            -- What is open is passed at the month's end at the earliest. Without a plan the day requested stands in.
            case
                when is_done then actual_date else greatest(coalesce(planned_date, requested_date), as_of_date)
            end as passed_on
        from gates
    )

select
    looked_month,
    as_of_date,
    project_id,
    gate,
    account_id,
    product_id,
    requested_date,
    planned_date,
    first_planned_date,
    actual_date,
    result,
    annual_quantity,
    unit_price,
    currency,
    lifetime_years,
    is_done,
    not is_done
    and row_number() over (partition by looked_month, project_id order by is_done, planned_date, requested_date, gate)
    = 1 as is_next_gate,
    passed_on <= coalesce(requested_date, first_planned_date) as is_on_time,
    passed_on - requested_date as slip_days_requested,
    passed_on - planned_date as slip_days_planned,
    passed_on - first_planned_date as slip_days_first_planned
from states
