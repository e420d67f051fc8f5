-- grain: business month × account × dimension, for the months built and accounts with a score in the trailing twelve months
-- why: where a score comes from and where it is heading. A score is compared with earlier ones of its own source only:
--      going over from the customer's opinion to our own figures is no change in performance
WITH scores AS (
    SELECT months.month_index, scores.*
    FROM core.rating_scores AS scores
    JOIN core.rating_months AS months USING (period_month)
),

series AS (
    SELECT DISTINCT account_id, dimension, source FROM scores
),

-- One row a month, also without a score, so that a window is twelve months long and not twelve scores.
looking_back AS (
    SELECT
        series.account_id,
        series.dimension,
        series.source,
        months.period_month,
        months.month_index,
        scores.score,
        list({ 'month': scores.month_index, 'period_month': scores.period_month, 'score': scores.score })
            FILTER (scores.score IS NOT NULL)
            OVER trailing_year AS points_12m
    FROM series
    CROSS JOIN core.rating_months AS months
    LEFT JOIN scores
      ON scores.account_id = series.account_id
     AND scores.dimension = series.dimension
     AND scores.source = series.source
     AND scores.period_month = months.period_month
    WINDOW trailing_year AS (
        PARTITION BY series.account_id, series.dimension, series.source
        ORDER BY months.month_index
        RANGE BETWEEN 11 PRECEDING AND CURRENT ROW
    )
),

-- The source is the month's: the customer's where there is one. A month without a score looks back on the customer's
-- scores, else on our own.
chosen AS (
    SELECT
        looking_back.*,
        list_filter(points_12m, lambda point: point.month > looking_back.month_index - 3) AS points_3m,
        list_filter(points_12m, lambda point: point.month > looking_back.month_index - 6) AS points_6m,
        points_12m[-1 - (score IS NOT NULL)::INTEGER] AS previous
    FROM looking_back
    JOIN build.periods AS periods USING (period_month)
    WHERE len(points_12m) > 0
    QUALIFY row_number() OVER (
        PARTITION BY looking_back.period_month, account_id, dimension ORDER BY score IS NULL, source
    ) = 1
),

measured AS (
    SELECT
        *,
        CASE WHEN len(points_6m) >= 4 THEN least_squares_slope(points_6m)::DECIMAL(18, 6) END AS slope_6m,
        CASE WHEN len(points_6m) >= 4 THEN mann_kendall_z([point.score FOR point IN points_6m]) END AS mann_kendall,
        [point.score FOR point IN points_12m[-4:]] AS last_four
    FROM chosen
),

-- 1 is up, -1 is down, 0 is neither.
signals AS (
    SELECT
        *,
        CASE
            -- 1.644854 is the 95 % quantile of the normal distribution: two-sided 0.1.
            WHEN slope_6m > 0.5 AND mann_kendall > 1.644854 THEN 1
            WHEN slope_6m < -0.5 AND mann_kendall < -1.644854 THEN -1
            ELSE 0
        END AS slope_signal,
        CASE
            WHEN len(last_four) < 4 THEN 0
            WHEN last_four[1] < last_four[2] AND last_four[2] < last_four[3] AND last_four[3] < last_four[4] THEN 1
            WHEN last_four[1] > last_four[2] AND last_four[2] > last_four[3] AND last_four[3] > last_four[4] THEN -1
            ELSE 0
        END AS changes_signal
    FROM measured
)

SELECT
    period_month,
    account_id,
    dimension,
    score,
    CASE WHEN score IS NOT NULL THEN source END AS score_source,
    previous.score AS previous_score,
    previous.period_month AS previous_score_month,
    list_mean([point.score FOR point IN points_3m]) AS moving_average_3m,
    list_mean([point.score FOR point IN points_6m]) AS moving_average_6m,
    list_mean([point.score FOR point IN points_12m]) AS moving_average_12m,
    slope_6m,
    CASE
        WHEN score IS NULL OR len(last_four) < 4 THEN NULL
        -- The two never point in opposite directions: a slope needs four scores, the last four among them.
        WHEN slope_signal + changes_signal > 0 THEN 'improving'
        WHEN slope_signal + changes_signal < 0 THEN 'deteriorating'
        ELSE 'stable'
    END AS trend,
    CASE
        WHEN score IS NULL THEN 'no score in the month'
        WHEN len(last_four) < 4 THEN 'fewer than 4 months with a score'
        WHEN slope_signal <> 0 AND changes_signal <> 0 THEN 'slope and three changes'
        WHEN slope_signal <> 0 THEN 'slope'
        WHEN changes_signal <> 0 THEN 'three changes'
        ELSE 'neither slope nor three changes'
    END AS trend_reason
FROM signals
