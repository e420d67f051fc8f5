-- why: what a customer said about us is missing from the rating, or stands in it changed
-- needs: scorecards
WITH scorecards AS (
    SELECT scorecards.*
    FROM core.scorecards AS scorecards
    SEMI JOIN build.periods AS periods ON periods.period_month = scorecards.month
),

sides AS (
    SELECT
        month AS period_month,
        account_id,
        least(ratio(100 * score, max_score), 100)::DECIMAL(18, 6) AS left_amount,
        0 AS right_amount
    FROM scorecards
    UNION ALL
    SELECT rating.period_month, rating.account_id, 0, rating.customer_score
    FROM build.vendor_rating AS rating
    -- Where there is no scorecard, visits may have brought a score.
    SEMI JOIN scorecards
        ON scorecards.month = rating.period_month
        AND scorecards.account_id = rating.account_id
        AND scorecards.dimension = rating.dimension
)

SELECT
    period_month,
    'scorecards of the month = vendor rating' AS control,
    'points' AS currency,
    'account ' || account_id AS item,
    left_amount,
    right_amount
FROM sides
