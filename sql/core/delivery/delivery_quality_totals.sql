-- grain: business month × account
-- why: quantities that parts per million and their year to date are divided from; averaged months would weigh a small
--      month like a large one
WITH delivered AS (
    SELECT
        months.period_month,
        lines.account_id,
        sum(lines.quantity) AS delivered_quantity,
        sum(lines.rejected_quantity) AS rejected_quantity
    FROM core.delivery_lines AS lines
    JOIN core.days AS days ON days.calendar_date = lines.delivered_date
    JOIN core.rating_months AS months ON months.period_month = days.period_month
    GROUP BY months.period_month, lines.account_id
),

complaints AS (
    SELECT
        months.period_month,
        issues.account_id,
        count(*) AS complaint_count,
        coalesce(sum(issues.affected_quantity), 0) AS complaint_quantity
    FROM core.issues AS issues
    JOIN core.days AS days ON days.calendar_date = issues.opened_date
    JOIN core.rating_months AS months ON months.period_month = days.period_month
    WHERE issues.issue_type = 'complaint'
    GROUP BY months.period_month, issues.account_id
)

SELECT
    period_month,
    account_id,
    coalesce(delivered.delivered_quantity, 0) AS delivered_quantity,
    coalesce(delivered.rejected_quantity, 0) AS rejected_quantity,
    coalesce(complaints.complaint_count, 0) AS complaint_count,
    coalesce(complaints.complaint_quantity, 0) AS complaint_quantity
FROM delivered
FULL JOIN complaints USING (period_month, account_id)
