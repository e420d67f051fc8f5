-- fmt: off
-- grain: business month × account × dimension × source
-- why: what the customer said (source 'customer') and what the deliveries, rejects and issues of the month say
--      ('own'), on one scale of 0 to 100; a month without activity has no row
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   dimension     VARCHAR
--   source        VARCHAR
--   score         DECIMAL(18,6)
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

    overridden as (select account_id from build.rating_rules where account_id is not null),

    quality as (
        select
            totals.period_month,
            totals.account_id,
            overridden.account_id as rules_of,
            ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity)::decimal(36, 6) as ppm
        from core.delivery_quality_totals as totals
        cross join core.delivery_records as records
        left join overridden on overridden.account_id = totals.account_id
        where
            totals.delivered_quantity > 0
            and records.rejects_are_recorded
            -- Pieces and kilograms have no common parts per million.
            and totals.delivered_units.least is not distinct from totals.delivered_units.greatest
    ),

    own as (
        select
            quality.period_month,
            quality.account_id,
            'quality' as dimension,
            -- The lowest step that the figure does not exceed; the last step has no end.
            arg_min(steps.score, coalesce(steps.upper_ppm, 1000001)) as score
        from quality
        join
            build.rating_ppm_steps as steps
            on steps.account_id is not distinct from quality.rules_of
            and (steps.upper_ppm is null or quality.ppm <= steps.upper_ppm)
        group by quality.period_month, quality.account_id
        union all
        select
            totals.period_month,
            totals.account_id,
            'delivery',
            ratio(100 * totals.otif_count, totals.line_count)::decimal(18, 6)
        from core.delivery_month_totals as totals
        left join overridden on overridden.account_id = totals.account_id
        join
            build.rating_rules as rules
            on rules.account_id is not distinct from overridden.account_id
            and rules.delivery_basis = totals.basis
        cross join core.delivery_records as records
        where records.no_deliveries is null
        union all
        -- Quality and delivery have measures of their own. The other dimensions are judged by the issues that fell
        -- due, each in the dimension it is about; what is about no single dimension is how the account is managed.
        select
            period_month,
            account_id,
            case when dimension in ('cost', 'development') then dimension else 'management' end as dimension,
            ratio(100 * count_if(is_closed_in_time), count(*))::decimal(18, 6) as score
        from core.issue_months
        where is_due and dimension not in ('quality', 'delivery')
        group by all
    ),

    dimensions as (
        select period_month, account_id, dimension, 'customer' as source, score
        from customer
        union all
        select period_month, account_id, dimension, 'own' as source, score
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
        left join overridden on overridden.account_id = dimensions.account_id
        join
            build.rating_weights as weights
            on weights.account_id is not distinct from overridden.account_id
            and weights.dimension = dimensions.dimension
        group by dimensions.period_month, dimensions.account_id, dimensions.source
    )

select period_month, account_id, dimension, source, score::decimal(18, 6) as score
from dimensions
union all
select period_month, account_id, dimension, source, score
from weighted
anti join dimensions using (period_month, account_id, dimension, source)
where score is not null
