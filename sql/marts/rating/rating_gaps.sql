-- fmt: off
-- grain: period_month, account_id, dimension, cause, deduction, document_id, line_no
-- why: what costs the points between our own score and 100, document by document
-- method: rating-gaps-1
-- needs: orders|issues
-- adds up within one: account_id, dimension
-- lines: core.orders by order_id = document_id, line_no;
--   core.deliveries by delivery_id = document_id, line_no;
--   core.issues by issue_id = document_id
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_name     VARCHAR
--   account_manager  VARCHAR
--   dimension        VARCHAR        quality, cost, delivery, development or management: those with an own score below 100; overall: only what deductions took off the overall score
--   cause            VARCHAR        late_line: an order line due that was not on time in full; rejected_lot: a delivery with rejects; overdue_issue: an issue due that was not closed in time; rating_rule: the rules give less than 100 points even without any of these; deduction: an event for which the rules take points off
--   deduction        VARCHAR        Name of the deduction in the rules; NULL for other causes
--   document_id      VARCHAR        The order, delivery or issue; NULL for a rating rule and for a deduction by ppm
--   line_no          INTEGER        [number; none] Line of the order or delivery
--   event_date       DATE           Day on which the order line or the issue was due, or the goods were delivered
--   product_id       VARCHAR        here: The part; NULL where the document names none
--   quantity         DECIMAL(34,4)  [units of the item; last in time] Quantity of the order line, rejected quantity of the delivery, or quantity that the issue is about
--   points           DECIMAL(18,6)  [points; last in time; less is better] Points lost: lines and issues take the same number each, deliveries by their rejected quantity; the documents of a deduction the same each; the last document takes what rounding leaves. In a dimension they add up to 100 less vendor_rating.own_score, and those of deductions to vendor_rating.deducted_points
-- fmt: on
with
    scores as (
        select
            scores.period_month,
            scores.account_id,
            scores.dimension,
            100 - (scores.score + scores.deducted_points) as missing_points,
            scores.deducted_points
        from core.rating_scores as scores
        semi join build.periods as periods on periods.period_month = scores.period_month
        where scores.source = 'own'
    ),

    -- What the measure of a dimension lacks of 100, and what deductions took off it. The overall score is a mean:
    -- what it lacks
    -- is in the dimensions.
    missing as (
        select period_month, account_id, dimension, false as is_deduction, missing_points as points
        from scores
        where dimension <> 'overall' and missing_points > 0
        union all
        select period_month, account_id, dimension, true, deducted_points
        from scores
        where deducted_points > 0
    ),

    shares as (
        select
            missing.period_month,
            missing.account_id,
            missing.dimension,
            missing.is_deduction,
            coalesce(causes.cause, 'rating_rule') as cause,
            causes.deduction,
            causes.document_id,
            causes.line_no,
            causes.event_date,
            causes.product_id,
            causes.quantity,
            missing.points as missing_points,
            coalesce(
                missing.points * ratio(
                    causes.weight,
                    sum(causes.weight) over (
                        partition by missing.period_month, missing.account_id, missing.dimension, missing.is_deduction
                    )
                ),
                missing.points
            )::decimal(18, 6) as points
        from missing
        left join
            core.rating_causes as causes
            on causes.period_month = missing.period_month
            and causes.account_id = missing.account_id
            and causes.dimension = missing.dimension
            and (causes.deduction is not null) = missing.is_deduction
    ),

    ordered as (
        select
            *,
            sum(points) over (
                partition by period_month, account_id, dimension, is_deduction
                order by deduction, document_id, line_no
                rows between unbounded preceding and 1 preceding
            ) as points_before,
            lead(cause) over (
                partition by period_month, account_id, dimension, is_deduction order by deduction, document_id, line_no
            )
            is null as is_last
        from shares
    )

select
    ordered.period_month,
    ordered.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    ordered.dimension,
    ordered.cause,
    ordered.deduction,
    ordered.document_id,
    ordered.line_no,
    ordered.event_date,
    ordered.product_id,
    ordered.quantity,
    case
        when ordered.is_last then ordered.missing_points - coalesce(ordered.points_before, 0) else ordered.points
    end as points
from ordered
left join core.accounts as accounts on accounts.account_id = ordered.account_id
