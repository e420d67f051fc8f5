-- grain: business month × account × dimension × source
-- why: what the customer said (source 'customer') beside what the deliveries, rejects and issues of the month say
--      ('own'), on one scale of 0 to 100; a month without activity has no row
WITH scorecards AS (
    SELECT
        months.period_month,
        scorecards.account_id,
        scorecards.dimension,
        least(ratio(100 * scorecards.score, scorecards.max_score), 100)::DECIMAL(18, 6) AS score
    FROM core.scorecards AS scorecards
    JOIN core.rating_months AS months ON months.period_month = scorecards.month
),

ratings AS (
    SELECT
        months.period_month,
        visits.account_id,
        visits.dimension,
        ratio(sum(visits.rating), count(*))::DECIMAL(18, 6) AS score
    FROM (
        FROM (
            SELECT
                account_id,
                visit_date,
                rating_quality,
                rating_cost,
                rating_delivery,
                rating_development,
                rating_management
            FROM core.visits
        )
        UNPIVOT (
            rating FOR dimension IN (
                rating_quality AS quality,
                rating_cost AS cost,
                rating_delivery AS delivery,
                rating_development AS development,
                rating_management AS management
            )
        )
    ) AS visits
    JOIN core.days AS days ON days.calendar_date = visits.visit_date
    JOIN core.rating_months AS months ON months.period_month = days.period_month
    GROUP BY months.period_month, visits.account_id, visits.dimension
),

customer AS (
    FROM scorecards
    UNION ALL
    FROM ratings
    ANTI JOIN scorecards USING (period_month, account_id, dimension)
),

overridden AS (
    SELECT account_id FROM build.rating_rules WHERE account_id IS NOT NULL
),

quality AS (
    SELECT
        totals.period_month,
        totals.account_id,
        overridden.account_id AS rules_of,
        ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity)::DECIMAL(18, 6) AS ppm
    FROM core.delivery_quality_totals AS totals
    CROSS JOIN core.delivery_records AS records
    LEFT JOIN overridden ON overridden.account_id = totals.account_id
    WHERE totals.delivered_quantity > 0 AND records.rejects_are_recorded
),

own AS (
    SELECT
        quality.period_month,
        quality.account_id,
        'quality' AS dimension,
        -- The lowest step that the figure does not exceed; the last step has no end.
        arg_min(steps.score, coalesce(steps.upper_ppm, 1000001)) AS score
    FROM quality
    JOIN build.rating_ppm_steps AS steps
      ON steps.account_id IS NOT DISTINCT FROM quality.rules_of
     AND (steps.upper_ppm IS NULL OR quality.ppm <= steps.upper_ppm)
    GROUP BY quality.period_month, quality.account_id
    UNION ALL
    SELECT
        totals.period_month,
        totals.account_id,
        'delivery',
        ratio(100 * totals.otif_count, totals.line_count)::DECIMAL(18, 6)
    FROM core.delivery_month_totals AS totals
    LEFT JOIN overridden ON overridden.account_id = totals.account_id
    JOIN build.rating_rules AS rules
      ON rules.account_id IS NOT DISTINCT FROM overridden.account_id
     AND rules.delivery_basis = totals.basis
    UNION ALL
    -- Quality and delivery have measures of their own. The other dimensions are judged by the issues that fell due,
    -- each in the dimension it is about; what is about no single dimension is how the account is managed.
    SELECT
        months.period_month,
        issues.account_id,
        CASE WHEN issues.dimension IN ('cost', 'development') THEN issues.dimension ELSE 'management' END AS dimension,
        ratio(100 * count_if(issues.closed_date <= issues.target_close_date), count(*))::DECIMAL(18, 6) AS score
    FROM core.issues AS issues
    JOIN core.days AS days ON days.calendar_date = issues.target_close_date
    JOIN core.rating_months AS months ON months.period_month = days.period_month
    WHERE coalesce(issues.dimension, 'overall') NOT IN ('quality', 'delivery')
    GROUP BY ALL
),

dimensions AS (
    SELECT period_month, account_id, dimension, 'customer' AS source, score FROM customer
    UNION ALL
    SELECT period_month, account_id, dimension, 'own' AS source, score FROM own
),

-- Dimensions without a score do not count: the weights of the others are scaled up.
weighted AS (
    SELECT
        dimensions.period_month,
        dimensions.account_id,
        'overall' AS dimension,
        dimensions.source,
        ratio(
            sum(dimensions.score::DECIMAL(18, 6) * weights.weight), sum(weights.weight)
        )::DECIMAL(18, 6) AS score
    FROM dimensions
    LEFT JOIN overridden ON overridden.account_id = dimensions.account_id
    JOIN build.rating_weights AS weights
      ON weights.account_id IS NOT DISTINCT FROM overridden.account_id
     AND weights.dimension = dimensions.dimension
    GROUP BY dimensions.period_month, dimensions.account_id, dimensions.source
)

SELECT period_month, account_id, dimension, source, score::DECIMAL(18, 6) AS score FROM dimensions
UNION ALL
SELECT period_month, account_id, dimension, source, score
FROM weighted
ANTI JOIN dimensions USING (period_month, account_id, dimension, source)
WHERE score IS NOT NULL
