-- fmt: off
-- why: a quotation is missing from the figures, counts twice, or counts in another way there than in the list
-- needs: quotations
-- Amounts of which a part is not known are left out on both sides.
-- fmt: on
with
    first_ones as (
        select quotation_id, arg_min(account_id, revision) as account_id, arg_min(rfq_date, revision) as rfq_date
        from core.quotations
        group by quotation_id
    ),

    sides as (
        select
            periods.period_month,
            'quotations asked for in the month = quotation performance' as control,
            'quotations' as currency,
            first_ones.account_id,
            1 as left_amount,
            0 as right_amount
        from first_ones
        join build.periods as periods on first_ones.rfq_date between periods.start_date and periods.as_of_date
        union all
        select
            period_month,
            'quotations asked for in the month = quotation performance',
            'quotations',
            account_id,
            0,
            received
        from build.quotation_performance
        union all
        select period_month, 'open quotations, one by one = quotation performance', 'quotations', account_id, 1, 0
        from build.quotations
        where is_open
        union all
        select period_month, 'open quotations, one by one = quotation performance', 'quotations', account_id, 0, open
        from build.quotation_performance
        union all
        select period_month, 'decided quotations, one by one = quotation performance', 'quotations', account_id, 1, 0
        from build.quotations
        where decided_date is not null
        union all
        select
            period_month,
            'decided quotations, one by one = quotation performance',
            'quotations',
            account_id,
            0,
            decided + declined + withdrawn
        from build.quotation_performance
        union all
        select
            quotations.period_month,
            'quotations won and lost, one by one = quotation performance',
            '',
            quotations.account_id,
            quotations.amount,
            0
        from build.quotations as quotations
        join
            build.quotation_performance as performance
            on performance.period_month = quotations.period_month
            and performance.account_id = quotations.account_id
            and performance.project_type = quotations.project_type
        where
            (quotations.is_won and performance.won_amount is not null)
            or (quotations.is_lost and performance.lost_amount is not null)
        union all
        select
            period_month,
            'quotations won and lost, one by one = quotation performance',
            '',
            account_id,
            0,
            coalesce(won_amount, 0) + coalesce(lost_amount, 0)
        from build.quotation_performance
    )

select period_month, control, currency, 'account ' || account_id as item, left_amount, right_amount
from sides
