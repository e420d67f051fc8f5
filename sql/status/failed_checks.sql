-- fmt: off
-- grain: rule that failed      from: ops.checks, of each month's last attempt (last_tried)
-- why: what `kam status` shows of failed rules, critical ones first
-- fmt: on
select
    severity as "Severity",
    sentence as "Rule",
    strftime(max(period_month), '%Y-%m') as "Last month",
    count(*) as "Months",
    arg_max(failed_count, period_month) as "Failed",
    check_name as "Check"
from ops.checks as checks
semi join
    ({{ last_tried }}) as newest
    on newest.period_month = checks.period_month
    and newest.close_version = checks.close_version
where not success
group by severity, sentence, check_name
order by list_position(['critical', 'warning', 'info'], severity), check_name
