-- fmt: off
-- grain: one row
-- why: since when visits say what they cost, how long they took and so on. Before, what they do not say is unknown, not 0
-- columns:
--   submitted_from     DATE
--   reported_from      DATE
--   participants_from  DATE
--   hours_from         DATE
--   cost_from          DATE
--   budget_from        DATE
-- fmt: on
select
    min(plan_submitted_at)::date as submitted_from,
    min(reported_at)::date as reported_from,
    min(visit_date) filter (participants is not null) as participants_from,
    min(visit_date) filter (duration_hours is not null) as hours_from,
    min(visit_date) filter (cost is not null) as cost_from,
    min(coalesce(planned_date, visit_date)) filter (budget_cost is not null) as budget_from
from core.visits
