-- fmt: off
-- grain: business month × account
-- why: quantities that parts per million and their year to date are divided from; averaged months would weigh a small
--      month like a large one
-- columns:
--   period_month        DATE
--   account_id          VARCHAR
--   delivered_quantity  DECIMAL(38,4)
--   rejected_quantity   DECIMAL(38,4)
--   complaint_count     BIGINT
--   complaint_quantity  DECIMAL(38,4)
-- fmt: on
with
    delivered as (
        select
            months.period_month,
            lines.account_id,
            sum(lines.quantity) as delivered_quantity,
            sum(lines.rejected_quantity) as rejected_quantity
        from core.delivery_lines as lines
        join core.days as days on days.calendar_date = lines.delivered_date
        join core.rating_months as months on months.period_month = days.period_month
        group by months.period_month, lines.account_id
    ),

    complaints as (
        select
            months.period_month,
            issues.account_id,
            count(*) as complaint_count,
            coalesce(sum(issues.affected_quantity), 0) as complaint_quantity
        from core.issues as issues
        join core.days as days on days.calendar_date = issues.opened_date
        join core.rating_months as months on months.period_month = days.period_month
        where issues.issue_type = 'complaint'
        group by months.period_month, issues.account_id
    )

select
    period_month,
    account_id,
    coalesce(delivered.delivered_quantity, 0) as delivered_quantity,
    coalesce(delivered.rejected_quantity, 0) as rejected_quantity,
    coalesce(complaints.complaint_count, 0) as complaint_count,
    coalesce(complaints.complaint_quantity, 0) as complaint_quantity
from delivered
full join complaints using (period_month, account_id)
