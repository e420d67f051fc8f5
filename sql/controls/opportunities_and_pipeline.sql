-- fmt: off
-- why: an opportunity is missing from the pipeline, counts twice, or counts in another way there than in the list
-- needs: opportunities
-- fmt: on
with
    newest as (
        select
            periods.period_month,
            periods.as_of_date,
            opportunities.opportunity_id,
            max_by(opportunities, opportunities.recorded_on) as record
        from core.opportunities as opportunities
        join build.periods as periods on opportunities.recorded_on <= periods.as_of_date
        group by periods.period_month, periods.as_of_date, opportunities.opportunity_id
    ),

    sides as (
        select
            period_month,
            'open opportunities = pipeline' as control,
            'opportunities' as currency,
            record.account_id,
            1 as left_amount,
            0 as right_amount
        from newest
        where coalesce(record.closed_on > as_of_date, true)
        union all
        select period_month, 'open opportunities = pipeline', 'opportunities', account_id, 0, open_count
        from build.pipeline
        union all
        select period_month, 'opportunities won and lost, one by one = pipeline', 'opportunities', account_id, 1, 0
        from build.opportunities
        where is_won or is_lost
        union all
        select
            period_month,
            'opportunities won and lost, one by one = pipeline',
            'opportunities',
            account_id,
            0,
            won + lost
        from build.pipeline
    )

select period_month, control, currency, 'account ' || account_id as item, left_amount, right_amount
from sides
