-- fmt: off
-- why: the documents named do not explain the own score; one is missing, or counts twice
-- needs: orders|issues
-- fmt: on
with
    late as (
        select
            performance.period_month, performance.account_id, performance.line_count - performance.otif_count as lines
        from build.delivery_performance as performance
        join
            core.rating_rules as rules
            on rules.period_month = performance.period_month
            and rules.account_id = performance.account_id
            and rules.delivery_basis = performance.basis
        semi join
            build.vendor_rating as rating
            on rating.period_month = performance.period_month
            and rating.account_id = performance.account_id
            and rating.dimension = 'delivery'
            and rating.own_score is not null
        -- Where only deductions count, lines cost what these say.
        anti join
            build.rating_weights as weights
            on weights.rules_no = rules.rules_no
            and weights.dimension = 'delivery'
            and weights.is_only_deductions
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
        where dimension <> 'overall'
        union all
        select
            period_month,
            'deducted = deductions of the rating gaps',
            'points',
            'account ' || account_id || ', ' || dimension,
            deducted_points,
            0
        from build.vendor_rating
        where own_score is not null
        union all
        select
            period_month,
            'deducted = deductions of the rating gaps',
            'points',
            'account ' || account_id || ', ' || dimension,
            0,
            points
        from build.rating_gaps
        where cause = 'deduction'
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
