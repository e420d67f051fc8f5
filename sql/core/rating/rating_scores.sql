-- fmt: off
-- grain: business month × account × dimension × source
-- why: what the customer said (source 'customer') and what the deliveries, rejects and issues of the month say
--      ('own'), on one scale of 0 to 100; a month without activity has no row. Deductions take points off our own
--      scores only; deducted_points is what they took, at most what there was
-- lines: core.scorecards by account_id, dimension, month = period_month where figure.source = 'customer';
--   core.order_due_lines by period_month, account_id where figure.source = 'own' and figure.dimension in ('delivery', 'overall');
--   core.delivery_lines by account_id where figure.source = 'own' and figure.dimension in ('quality', 'overall') and
--     (figure.period_month, line.delivered_date) in (select (period_month, calendar_date) from core.days);
--   core.issues by account_id where figure.source = 'own' and figure.dimension in (line.dimension, 'overall') and (figure.period_month,
--     line.opened_date) in (select (period_month, calendar_date) from core.days)
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   dimension     VARCHAR
--   source        VARCHAR
--   score         DECIMAL(18,6)
--   deducted_points  DECIMAL(18,6)
-- fmt: on
with
    scorecards as (
        select
            months.period_month,
            scorecards.account_id,
            scorecards.dimension,
            least(ratio(100 * scorecards.score, scorecards.max_score), 100)::decimal(18, 6) as score
        from core.scorecards as scorecards
        join core.rating_months as months on months.period_month = scorecards.month
    ),

    ratings as (
        select
            months.period_month,
            visits.account_id,
            visits.dimension,
            ratio(sum(visits.rating), count(*))::decimal(18, 6) as score
        from
            (
                from
                    (
                        select
                            account_id,
                            visit_date,
                            rating_quality,
                            rating_cost,
                            rating_delivery,
                            rating_development,
                            rating_management
                        from core.visits
                    ) unpivot (
                        rating for dimension in (
                            rating_quality as quality,
                            rating_cost as cost,
                            rating_delivery as delivery,
                            rating_development as development,
                            rating_management as management
                        )
                    )
            ) as visits
        join core.days as days on days.calendar_date = visits.visit_date
        join core.rating_months as months on months.period_month = days.period_month
        group by months.period_month, visits.account_id, visits.dimension
    ),

    customer as (
        from scorecards
        union all
        from ratings
        anti join scorecards using (period_month, account_id, dimension)
    ),

    deductions as (
        select period_month, account_id, dimension, sum(points) as points, count(points_reason) > 0 as is_unknown
        from core.rating_deductions
        group by period_month, account_id, dimension
    ),

    own as (
        select
            base.period_month,
            base.account_id,
            base.dimension,
            base.score,
            least(base.score, coalesce(deductions.points, 0))::decimal(18, 6) as deducted_points
        from core.rating_base_scores as base
        left join deductions using (period_month, account_id, dimension)
        where not coalesce(deductions.is_unknown, false)
    ),

    dimensions as (
        select period_month, account_id, dimension, 'customer' as source, score, 0::decimal(18, 6) as deducted_points
        from customer
        union all
        select period_month, account_id, dimension, 'own', score - deducted_points, deducted_points
        from own
    ),

    -- Dimensions without a score do not count: the weights of the others are scaled up.
    weighted as (
        select
            dimensions.period_month,
            dimensions.account_id,
            'overall' as dimension,
            dimensions.source,
            ratio(sum(dimensions.score::decimal(18, 6) * weights.weight), sum(weights.weight))::decimal(18, 6) as score
        from dimensions
        join core.rating_rules as rules using (period_month, account_id)
        join
            build.rating_weights as weights
            on weights.rules_no = rules.rules_no
            and weights.dimension = dimensions.dimension
        group by dimensions.period_month, dimensions.account_id, dimensions.source
    ),

    overall as (
        select
            weighted.*,
            case when source = 'own' then least(weighted.score, coalesce(deductions.points, 0)) else 0 end::decimal(
                18, 6
            ) as deducted_points
        from weighted
        left join deductions using (period_month, account_id, dimension)
        where weighted.source = 'customer' or not coalesce(deductions.is_unknown, false)
    )

select period_month, account_id, dimension, source, score::decimal(18, 6) as score, deducted_points
from dimensions
union all
select period_month, account_id, dimension, source, score - deducted_points, deducted_points
from overall
anti join dimensions using (period_month, account_id, dimension, source)
where score is not null
