-- fmt: off
-- why: a visit of the month is missing from the figures, or counts twice
-- needs: visits
-- fmt: on
with
    happened as (
        select 'visits planned for' as what, planned_date as day, account_id
        from core.visits
        union all
        select 'visits held in', visit_date, account_id
        from core.visits
    ),

    sides as (
        select
            days.period_month,
            happened.what || ' the month = visit performance' as control,
            'visits' as currency,
            happened.account_id,
            1 as left_amount,
            0 as right_amount
        from happened
        join core.days as days on days.calendar_date = happened.day
        join build.periods as periods on periods.period_month = days.period_month and happened.day <= periods.as_of_date
        union all
        select period_month, 'visits planned for the month = visit performance', 'visits', account_id, 0, planned
        from build.visit_performance
        union all
        select period_month, 'visits held in the month = visit performance', 'visits', account_id, 0, held
        from build.visit_performance
        union all
        select period_month, 'visits held as planned, one by one = visit performance', 'visits', account_id, 1, 0
        from build.visits
        where is_held_as_planned
        union all
        select
            period_month,
            'visits held as planned, one by one = visit performance',
            'visits',
            account_id,
            0,
            held_as_planned
        from build.visit_performance
        union all
        select period_month, 'cost of visits, one by one = visit performance', '', account_id, cost, 0
        from build.visits
        anti join (from build.visit_performance where cost is null) using (period_month, account_id, visit_type)
        union all
        select period_month, 'cost of visits, one by one = visit performance', '', account_id, 0, cost
        from build.visit_performance
        where cost is not null
    )

select period_month, control, currency, 'account ' || account_id as item, left_amount, right_amount
from sides
union all
select
    period_month,
    'visits planned for the month, one by one = visit plans',
    'visits',
    'manager ' || document_account_manager,
    1,
    0
from build.visits
where is_planned
union all
select
    period_month,
    'visits planned for the month, one by one = visit plans',
    'visits',
    'manager ' || account_manager,
    0,
    planned
from build.visit_plans
