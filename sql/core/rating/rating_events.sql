-- fmt: off
-- grain: business month looked back on × event × document: rejected_lot, a delivery with rejects; overdue_issue, an issue due and
--   not closed in time; issue, one that was opened
-- why: what costs points, document by document, whatever the rules make of it. Late order lines are in core.rating_late_lines
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   event         VARCHAR
--   dimension     VARCHAR
--   document_id   VARCHAR
--   line_no       INTEGER
--   event_date    DATE
--   product_id    VARCHAR
--   quantity      DECIMAL(18,4)
--   issue_type    VARCHAR
--   category      VARCHAR
--   severity      VARCHAR
--   incident      VARCHAR
-- fmt: on
with
    looked_back_on as (
        select days.calendar_date, days.period_month
        from core.days as days
        semi join core.rating_months as months on months.period_month = days.period_month
    )

select
    days.period_month,
    lines.account_id,
    'rejected_lot' as event,
    'quality' as dimension,
    lines.document_id,
    lines.document_line_no as line_no,
    lines.delivered_date as event_date,
    lines.product_id,
    lines.rejected_quantity as quantity,
    null as issue_type,
    null as category,
    null as severity,
    null as incident
from core.delivery_lines as lines
join looked_back_on as days on days.calendar_date = lines.delivered_date
where lines.rejected_quantity > 0
union all
select
    due.period_month,
    due.account_id,
    'overdue_issue',
    case when due.dimension in ('cost', 'quality', 'delivery', 'development') then due.dimension else 'management' end,
    due.issue_id,
    null,
    due.target_close_date,
    due.product_id,
    due.affected_quantity,
    due.issue_type,
    due.category,
    lower(due.severity),
    lower(issues.incident)
from core.issue_months as due
join core.issues as issues on issues.issue_id = due.issue_id
where due.is_due and not due.is_closed_in_time
union all
select
    days.period_month,
    issues.account_id,
    'issue',
    known(issues.dimension),
    issues.issue_id,
    null,
    issues.opened_date,
    issues.product_id,
    issues.affected_quantity,
    issues.issue_type,
    issues.category,
    lower(issues.severity),
    lower(issues.incident)
from core.issues as issues
join looked_back_on as days on days.calendar_date = issues.opened_date
