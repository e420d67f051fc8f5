-- fmt: off
-- why: what a customer said about us is missing from the rating, or was changed in it
-- needs: scorecards
-- fmt: on
with
    scorecards as (
        select scorecards.*
        from core.scorecards as scorecards
        semi join build.periods as periods on periods.period_month = scorecards.month
    ),

    sides as (
        select
            month as period_month,
            account_id,
            least(ratio(100 * score, max_score), 100)::decimal(18, 6) as left_amount,
            0 as right_amount
        from scorecards
        union all
        select rating.period_month, rating.account_id, 0, rating.customer_score
        from build.vendor_rating as rating
        -- Where there is no scorecard, visits may have brought a score.
        semi join
            scorecards
            on scorecards.month = rating.period_month
            and scorecards.account_id = rating.account_id
            and scorecards.dimension = rating.dimension
    )

select
    period_month,
    'scorecards of the month = vendor rating' as control,
    'points' as currency,
    'account ' || account_id as item,
    left_amount,
    right_amount
from sides
