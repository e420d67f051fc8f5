-- fmt: off
-- grain: thing with a day      from: reporting.*, months up to the one of the parameter
-- why: what has a day after the month end: its day, what it is, and which one
-- fmt: on
select account_id, notice_by as day, 'last day for notice of contract' as what, contract_id as which
from reporting.contract_status
where period_month = $month and state = 'running'
union all
select account_id, due_date, 'action due', coalesce(title, action_id)
from reporting.actions
where period_month = $month and is_open
union all
select account_id, promised_payment_date, 'payment promised at visit', visit_id
from reporting.promises
where period_month = $month and not is_due
union all
select account_id, valid_until, 'end of', coalesce(title, assessment_id)
from reporting.assessment_scores
where period_month = $month
union all
select account_id, planned_date, 'gate planned', gate || ' of ' || project_id
from reporting.gate_performance
where period_month = $month and is_next_gate
union all
select account_id, requested_by, 'quotation wanted', quotation_id
from reporting.quotations
where period_month = $month and is_open and quoted_date is null
union all
select account_id, due_date, 'commitment due', coalesce(title, commitment_id)
from reporting.commitments
where period_month = $month and not is_fulfilled
