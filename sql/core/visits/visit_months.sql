-- fmt: off
-- grain: month built or looked back on × visit planned for the month or held in it
-- why: what is known of a visit at the month's end, from its dates. A visit that was planned for one month and held in
--   another is in both
-- columns:
--   period_month              DATE
--   as_of_date                DATE
--   visit_id                  VARCHAR
--   account_id                VARCHAR
--   document_account_manager  VARCHAR
--   visit_type                VARCHAR
--   planned_date              DATE
--   visit_date                DATE
--   plan_submitted_on         DATE
--   reported_on               DATE
--   participants              INTEGER
--   is_training               BOOLEAN
--   duration_hours            DECIMAL(18,4)
--   has_cost                  BOOLEAN
--   cost                      DECIMAL(32,2)
--   has_budget                BOOLEAN
--   budget_cost               DECIMAL(32,2)
--   amount_reason             VARCHAR
--   is_planned                BOOLEAN
--   is_held                   BOOLEAN
--   is_held_as_planned        BOOLEAN
--   is_unplanned              BOOLEAN
--   days_since_last           BIGINT
-- fmt: on
with
    dated as (
        select
            visits.*,
            planned_days.period_month as planned_month,
            held_days.period_month as held_month,
            visits.visit_date - lag(visits.visit_date) over (
                partition by visits.account_id order by visits.visit_date, visits.visit_id
            ) as days_since_last
        from core.visits as visits
        left join core.days as planned_days on planned_days.calendar_date = visits.planned_date
        left join core.days as held_days on held_days.calendar_date = visits.visit_date
    ),

    months as (
        select planned_month as period_month, *
        from dated
        where planned_month is not null
        union all
        select held_month, *
        from dated
        where held_month is not null and held_month is distinct from planned_month
    ),

    periods as (select distinct looked_month as period_month, as_of_date from core.looked_months),

    known as (
        select
            periods.as_of_date,
            months.*,
            coalesce(
                months.planned_month = months.period_month and months.planned_date <= periods.as_of_date, false
            ) as is_planned,
            coalesce(
                months.held_month = months.period_month and months.visit_date <= periods.as_of_date, false
            ) as is_held,
            -- A budget belongs to the plan, a cost to the visit.
            coalesce(months.planned_date, months.visit_date) as budget_date
        from months
        join periods on periods.period_month = months.period_month
    )

select
    known.period_month,
    known.as_of_date,
    known.visit_id,
    known.account_id,
    known(coalesce(known.account_manager, accounts.account_manager)) as document_account_manager,
    known(known.visit_type) as visit_type,
    known.planned_date,
    case when known.visit_date <= known.as_of_date then known.visit_date end as visit_date,
    case
        when known.plan_submitted_at::date <= known.as_of_date then known.plan_submitted_at::date
    end as plan_submitted_on,
    case when known.reported_at::date <= known.as_of_date then known.reported_at::date end as reported_on,
    known.participants,
    coalesce(known.is_training, false) as is_training,
    known.duration_hours,
    known.is_held and known.cost is not null as has_cost,
    case when has_cost then converted(known.cost, cost_rates.rate) end as cost,
    known.budget_cost is not null
    and (known.is_planned or (known.planned_date is null and known.is_held)) as has_budget,
    case when has_budget then converted(known.budget_cost, budget_rates.rate) end as budget_cost,
    case
        when (has_cost and cost_rates.rate is null) or (has_budget and budget_rates.rate is null)
        then no_rate(known.currency)
    end as amount_reason,
    known.is_planned,
    known.is_held,
    known.is_planned and known.is_held as is_held_as_planned,
    known.is_held and known.planned_date is null as is_unplanned,
    case when known.is_held then known.days_since_last end as days_since_last
from known
left join core.accounts as accounts on accounts.account_id = known.account_id
left join
    core.daily_rates as cost_rates on cost_rates.currency = known.currency and cost_rates.rate_date = known.visit_date
left join
    core.daily_rates as budget_rates
    on budget_rates.currency = known.currency
    and budget_rates.rate_date = known.budget_date
where known.is_planned or known.is_held
