-- fmt: off
-- grain: period_month, account_id, visit_type
-- why: how many visits of the month were held as planned, what they cost, and how soon they were reported
-- method: visit-performance-1
-- needs: visits
-- lines: core.visit_months by period_month, account_id, visit_type sums planned = is_planned, held = is_held, held_as_planned =
--     is_held_as_planned, unplanned = is_unplanned, trainings = is_held and is_training, participants = case when is_held then
--     participants end, hours = case when is_held then duration_hours end, cost = case when has_cost then cost end, budget_cost = case
--     when has_budget then budget_cost end, reported = is_held and reported_on is not null, report_days = case when is_held then
--     reported_on - visit_date end
-- columns:
--   period_month                  DATE
--   account_id                    VARCHAR
--   account_name                  VARCHAR
--   account_manager               VARCHAR
--   visit_type                    VARCHAR
--   planned                       BIGINT         [count; sum] Visits planned for the month
--   held                          BIGINT         [count; sum; more is better] Visits held in the month, planned or not
--   held_as_planned               BIGINT         [count; sum; more is better] Visits planned for the month and held in it
--   held_as_planned_ratio         DECIMAL(18,6)  [fraction; ratio of held_as_planned ÷ planned; more is better] Share of the planned visits that were held in the month
--   held_as_planned_ratio_reason  VARCHAR
--   unplanned                     BIGINT         [count; sum] Visits held in the month without a planned day
--   trainings                     BIGINT         [count; sum] Trainings held in the month
--   participants                  BIGINT         [count; sum] People who took part in the visits held; one person counts in each visit
--   participants_reason           VARCHAR
--   hours                         DECIMAL(34,4)  [hours; sum] Length of the visits held
--   hours_reason                  VARCHAR
--   cost                          DECIMAL(32,2)  [reporting currency; sum] Cost of the visits held, each at the rate of its day
--   cost_reason                   VARCHAR
--   budget_cost                   DECIMAL(32,2)  [reporting currency; sum] Cost that the plan allows for the visits planned for the month, and for the unplanned ones held; each at the rate of its day
--   budget_cost_reason            VARCHAR
--   reported                      BIGINT         [count; sum; more is better] Visits held in the month and reported by its end
--   report_days                   BIGINT         [days; sum; less is better] Days from the visit to its report, over the visits reported
--   report_days_reason            VARCHAR
-- fmt: on
with
    totals as (
        select
            period_month,
            as_of_date,
            account_id,
            visit_type,
            count_if(is_planned) as planned,
            count_if(is_held) as held,
            count_if(is_held_as_planned) as held_as_planned,
            count_if(is_unplanned) as unplanned,
            count_if(is_held and is_training) as trainings,
            coalesce(sum(participants) filter (is_held), 0) as participants,
            coalesce(sum(duration_hours) filter (is_held), 0) as hours,
            complete_sum(cost, has_cost) as cost,
            complete_sum(budget_cost, has_budget) as budget_cost,
            min(amount_reason) as amount_reason,
            count_if(is_held and reported_on is not null) as reported,
            coalesce(sum(reported_on - visit_date) filter (is_held), 0) as report_days
        from core.visit_months
        semi join build.periods using (period_month)
        group by period_month, as_of_date, account_id, visit_type
    ),

    reasons as (
        select
            totals.*,
            case
                when coalesce(records.participants_from > totals.as_of_date, true)
                then 'no visit so far names participants'
            end as no_participants,
            case
                when coalesce(records.hours_from > totals.as_of_date, true) then 'no visit so far names its length'
            end as no_hours,
            case
                when coalesce(records.cost_from > totals.as_of_date, true) then 'no visit so far names its cost'
            end as no_cost,
            case
                when coalesce(records.budget_from > totals.as_of_date, true) then 'no visit so far names a budget'
            end as no_budget,
            case
                when coalesce(records.reported_from > totals.as_of_date, true) then 'no visit so far names its report'
            end as no_report
        from totals
        cross join core.visit_records as records
    )

select
    reasons.period_month,
    reasons.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    reasons.visit_type,
    reasons.planned,
    reasons.held,
    reasons.held_as_planned,
    ratio(reasons.held_as_planned, reasons.planned) as held_as_planned_ratio,
    case when reasons.planned = 0 then 'nothing was planned for the month' end as held_as_planned_ratio_reason,
    reasons.unplanned,
    reasons.trainings,
    case when reasons.no_participants is null then reasons.participants end as participants,
    reasons.no_participants as participants_reason,
    case when reasons.no_hours is null then reasons.hours end as hours,
    reasons.no_hours as hours_reason,
    case when reasons.no_cost is null then reasons.cost end as cost,
    coalesce(reasons.no_cost, case when reasons.cost is null then reasons.amount_reason end) as cost_reason,
    case when reasons.no_budget is null then reasons.budget_cost end as budget_cost,
    coalesce(
        reasons.no_budget, case when reasons.budget_cost is null then reasons.amount_reason end
    ) as budget_cost_reason,
    reasons.reported,
    case when reasons.no_report is null then reasons.report_days end as report_days,
    reasons.no_report as report_days_reason
from reasons
left join core.accounts as accounts on accounts.account_id = reasons.account_id
