-- fmt: off
-- grain: period_month, account_manager
-- why: whether each manager planned the visits of the month in time
-- method: visit-plans-1
-- needs: visits
-- lines: core.visit_months by period_month, document_account_manager = account_manager where line.is_planned sums planned = 1, submitted
--     = plan_submitted_on is not null
-- columns:
--   period_month              DATE
--   account_manager           VARCHAR  here: Manager that the visits name, else the account's
--   due_date                  DATE     Day of the month before by which the plan was due; NULL where the settings name none
--   planned                   BIGINT   [count; sum] Visits planned for the month, of all accounts
--   submitted                 BIGINT   [count; sum; more is better] Of them, those whose plan was submitted by the month end
--   submitted_at              DATE     Day on which the last of these plans was submitted
--   submitted_on_time         BOOLEAN  here: Whether all visits of the month were submitted by the due date
--   submitted_on_time_reason  VARCHAR
-- fmt: on
with
    plans as (
        select
            period_month,
            as_of_date,
            document_account_manager as account_manager,
            count(*) as planned,
            count(plan_submitted_on) as submitted,
            max(plan_submitted_on) as submitted_at
        from core.visit_months
        semi join build.periods using (period_month)
        where is_planned
        group by all
    ),

    due as (
        select
            plans.*,
            -- In a month that is shorter, its last day.
            case
                when settings.visit_plan_due_day is not null
                then
                    least(
                        (plans.period_month - interval 1 month)::date + settings.visit_plan_due_day - 1,
                        plans.period_month - 1
                    )
            end as due_date,
            case
                when settings.visit_plan_due_day is null
                then 'no plan_due_day in the settings'
                when coalesce(records.submitted_from > plans.as_of_date, true)
                then 'no visit so far names when its plan was submitted'
            end as reason
        from plans
        cross join core.visit_records as records
        cross join build.settings as settings
    )

select
    period_month,
    account_manager,
    due_date,
    planned,
    submitted,
    submitted_at,
    case when reason is null then submitted = planned and submitted_at <= due_date end as submitted_on_time,
    reason as submitted_on_time_reason
from due
