-- fmt: off
-- why: the documents named do not explain the own score; one is missing, or counts twice
-- needs: orders|issues
-- fmt: on
with
    late as (
        select
            performance.period_month, performance.account_id, performance.line_count - performance.otif_count as lines
        from build.delivery_performance as performance
        left join build.rating_rules as own on own.account_id = performance.account_id
        join
            build.rating_rules as rules
            on rules.account_id is not distinct from own.account_id
            and rules.delivery_basis = performance.basis
        where performance.otif_ratio_reason is null
    ),

    sides as (
        select
            period_month,
            'own score + points of the rating gaps = 100' as control,
            'points' as currency,
            'account ' || account_id || ', ' || dimension as item,
            own_score as left_amount,
            100 as right_amount
        from build.vendor_rating
        where own_score is not null and dimension <> 'overall'
        union all
        select
            period_month,
            'own score + points of the rating gaps = 100',
            'points',
            'account ' || account_id || ', ' || dimension,
            points,
            0
        from build.rating_gaps
        union all
        select
            period_month,
            'order lines late or short = late lines of the rating gaps',
            'lines',
            'account ' || account_id,
            lines,
            0
        from late
        union all
        select
            period_month,
            'order lines late or short = late lines of the rating gaps',
            'lines',
            'account ' || account_id,
            0,
            1
        from build.rating_gaps
        where cause = 'late_line'
    )

select period_month, control, currency, item, left_amount, right_amount
from sides
