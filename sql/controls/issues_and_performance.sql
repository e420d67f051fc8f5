-- fmt: off
-- why: an issue is missing from the figures, counts twice, or is judged otherwise there than in the list
-- needs: issues
-- fmt: on
with
    sides as (
        select
            days.period_month,
            'issues opened in the month = issue performance' as control,
            'issues' as currency,
            issues.account_id,
            1 as left_amount,
            0 as right_amount
        from core.issues as issues
        join core.days as days on days.calendar_date = issues.opened_date
        join
            build.periods as periods
            on periods.period_month = days.period_month
            and issues.opened_date <= periods.as_of_date
        union all
        select period_month, 'issues opened in the month = issue performance', 'issues', account_id, 0, opened
        from build.issue_performance
        union all
        select period_month, 'open issues, one by one = issue performance', 'issues', account_id, 1, 0
        from build.issues
        where is_open
        union all
        select period_month, 'open issues, one by one = issue performance', 'issues', account_id, 0, open
        from build.issue_performance
        union all
        select
            period_month, 'days of closed issues, one by one = issue performance', 'days', account_id, days_to_close, 0
        from build.issues
        where is_closed
        union all
        select
            period_month, 'days of closed issues, one by one = issue performance', 'days', account_id, 0, days_to_close
        from build.issue_performance
    )

select period_month, control, currency, 'account ' || account_id as item, left_amount, right_amount
from sides
