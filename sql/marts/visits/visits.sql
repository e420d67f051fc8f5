-- fmt: off
-- grain: period_month, visit_id
-- why: the visits planned for the month or held in it, as known at its end. visit_performance and visit_plans count them
-- method: visits-1
-- needs: visits
-- lines: core.visits by visit_id
-- columns:
--   period_month              DATE
--   visit_id                  VARCHAR
--   account_id                VARCHAR
--   account_name              VARCHAR
--   account_manager           VARCHAR
--   document_account_manager  VARCHAR
--   visit_type                VARCHAR
--   planned_date              DATE           Day the visit was planned for
--   visit_date                DATE           Day the visit was held; NULL if it was not held by the month end
--   plan_submitted_on         DATE           Day on which its plan was submitted, by the month end
--   reported_on               DATE           Day on which its report was handed in, by the month end
--   days_since_last           BIGINT         [days; none] Days since the previous visit to the account, of any type; NULL for the first visit, and for one that was not held in the month
--   participants              INTEGER        [count; none] People who took part
--   is_training               BOOLEAN        Whether it was a training
--   duration_hours            DECIMAL(34,4)  [hours; none] Length of the visit
--   cost                      DECIMAL(32,2)  [reporting currency; sum] Cost of a visit held in the month, at the rate of its day; NULL where the visit names none
--   budget_cost               DECIMAL(32,2)  [reporting currency; sum] Cost that the plan of the month allows, at the rate of the planned day; NULL where the plan names none
--   amount_reason             VARCHAR        Why cost or budget_cost is undefined though the visit names it: no rate for its currency
--   is_planned                BOOLEAN        Whether it was planned for the month
--   is_held                   BOOLEAN        Whether it was held in the month
--   is_held_as_planned        BOOLEAN        Whether it was planned for the month and held in it
--   is_unplanned              BOOLEAN        Whether it was held in the month without a planned day
-- fmt: on
select
    visits.period_month,
    visits.visit_id,
    visits.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    visits.document_account_manager,
    visits.visit_type,
    visits.planned_date,
    visits.visit_date,
    visits.plan_submitted_on,
    visits.reported_on,
    visits.days_since_last,
    visits.participants,
    visits.is_training,
    visits.duration_hours,
    visits.cost,
    visits.budget_cost,
    visits.amount_reason,
    visits.is_planned,
    visits.is_held,
    visits.is_held_as_planned,
    visits.is_unplanned
from core.visit_months as visits
semi join build.periods as periods on periods.period_month = visits.period_month
left join core.accounts as accounts on accounts.account_id = visits.account_id
