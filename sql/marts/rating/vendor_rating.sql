-- fmt: off
-- grain: period_month, account_id, dimension
-- why: how each customer rates us in quality, cost, delivery, development and management, what our own figures say, and
--      the trend. Accounts without a score in the trailing twelve months have no rows
-- method: vendor-rating-1
-- needs: scorecards|visits|orders|issues
-- renamed: trend_reason to trend_basis
-- lines: core.rating_scores by period_month, account_id, dimension;
--   for own_score, deducted_points, gap: build.rating_gaps by period_month, account_id where figure.dimension in (line.dimension,
--     'overall');
--   for customer_score, gap: core.scorecards by account_id, dimension, month = period_month;
--   for previous_score, change, moving_average_*, slope_6m: core.rating_scores by account_id, dimension where line.period_month between
--     (figure.period_month - interval 11 month)::date and figure.period_month
-- columns:
--   period_month          DATE
--   account_id            VARCHAR
--   account_name          VARCHAR
--   account_manager       VARCHAR
--   dimension             VARCHAR        quality, cost, delivery, development, management or overall
--   customer_score        DECIMAL(18,6)  [points; none; more is better] What the customer said, 0 to 100: the month's scorecard (100 × score ÷ max_score, at most 100), else the mean of ratings given in visits held; overall is the customer's own, else the weighted mean of the dimensions the customer scored
--   own_score             DECIMAL(18,6)  [points; none; more is better] What our figures say, 0 to 100: quality by the PPM steps; delivery 100 × OTIF on the basis of the rules; cost, development and management 100 × issues closed by their target date ÷ issues due; a dimension of only_deductions 100; overall is the weighted mean of the dimensions that have one; less the deductions of the rules, and not below 0
--   own_score_reason      VARCHAR
--   deducted_points       DECIMAL(18,6)  [points; none; less is better] Points that deductions of the rules took off this row's own score: of overall those that are taken off the total; NULL without an own score
--   rule_set              VARCHAR        The rule set that the account names for the month; NULL where it names none
--   gap                   DECIMAL(18,6)  [points; none] How much better the customer rates us than our own figures do := customer_score - own_score
--   score                 DECIMAL(18,6)  [points; none; more is better] The customer's score, else our own; band, rank, change and trend use this one
--   score_source          VARCHAR        Whose score it is: customer or own; NULL in a month without a score
--   weight                DECIMAL(18,6)  [points; none] Weight of the dimension in the account's rules, of 100
--   band                  VARCHAR        Band of the score; a band includes its upper end, so that 100 is in the top band
--   points_to_next_band   DECIMAL(18,6)  [points; none; less is better] Points up to the upper end of the band, just above which the next one starts; NULL in the top band
--   previous_score        DECIMAL(18,6)  [points; none] The latest earlier score of the same source in the trailing 12 months; months without a score are skipped
--   previous_score_month  DATE           The month of the previous score, as its first day
--   change                DECIMAL(18,6)  [points; none; more is better] Points gained since the previous score := score - previous_score
--   moving_average_3m     DECIMAL(18,6)  [points; none; more is better] Mean of the scores of the same source in the trailing 3 months; months without a score do not count
--   moving_average_6m     DECIMAL(18,6)  [points; none; more is better] Mean of the scores of the same source in the trailing 6 months; months without a score do not count
--   moving_average_12m    DECIMAL(18,6)  [points; none; more is better] Mean of the scores of the same source in the trailing 12 months; months without a score do not count
--   slope_6m              DECIMAL(18,6)  [points per month; none; more is better] Least squares over the scores of the same source in the trailing 6 months; NULL with fewer than 4
--   trend                 VARCHAR        improving or deteriorating: slope_6m beyond ±0.5 and significant by Mann-Kendall at 0.1 (two-sided, normal approximation with continuity and tie correction), or the last three changes the same way; else stable; NULL where nothing can be said
--   trend_basis           VARCHAR        What the trend is based on; where trend is NULL, why
--   rank                  BIGINT         [number; none; less is better] Place of the score among those of the same score_source, month and dimension, 1 is the best; equal scores share a place
-- fmt: on
with
    month_scores as (
        select
            period_month,
            account_id,
            dimension,
            max(score) filter (source = 'customer') as customer_score,
            max(score) filter (source = 'own') as own_score,
            max(deducted_points) filter (source = 'own') as deducted_points
        from core.rating_scores
        group by period_month, account_id, dimension
    ),

    weights as (
        select rules_no, dimension, weight, is_only_deductions
        from build.rating_weights
        union all
        select rules_no, 'overall', sum(weight), false
        from build.rating_weights
        group by rules_no
    ),

    -- Every dimension of these accounts, so that a missing score is seen.
    rows_wanted as (
        select rated.*, rules.rules_no, rules.rule_set, weights.dimension, weights.weight, weights.is_only_deductions
        from (select distinct period_month, account_id from core.rating_trends) as rated
        join core.rating_rules as rules using (period_month, account_id)
        join weights on weights.rules_no = rules.rules_no
    ),

    unknown_deductions as (
        select period_month, account_id, dimension, max(points_reason) as reason
        from core.rating_deductions
        group by period_month, account_id, dimension
    )

select
    rows_wanted.period_month,
    rows_wanted.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    rows_wanted.dimension,
    month_scores.customer_score,
    month_scores.own_score,
    case
        when month_scores.own_score is not null
        then null
        when unknown_deductions.reason is not null
        then unknown_deductions.reason
        when rows_wanted.is_only_deductions
        then 'nothing was delivered, due or opened in the month'
        when rows_wanted.dimension in ('quality', 'delivery') and records.no_deliveries is not null
        then records.no_deliveries
        when
            rows_wanted.dimension not in ('quality', 'delivery', 'overall')
            and not list_contains(settings.declared_feeds, 'issues')
        then undeclared_reason('issues', settings.declared_feeds)
        when rows_wanted.dimension = 'quality' and totals.delivered_units.least <> totals.delivered_units.greatest
        then units_reason(true)
        when rows_wanted.dimension = 'quality'
        then 'nothing was delivered in the month, or no source says what was rejected'
        when rows_wanted.dimension = 'delivery'
        then 'no order line was due in the month'
        when rows_wanted.dimension = 'overall'
        then 'no dimension with a weight has an own score'
        else 'no issue was due in the month'
    end as own_score_reason,
    month_scores.deducted_points,
    rows_wanted.rule_set,
    month_scores.customer_score - month_scores.own_score as gap,
    trends.score,
    trends.score_source,
    rows_wanted.weight,
    bands.band,
    case when bands.upper_score < 100 then bands.upper_score - trends.score end as points_to_next_band,
    trends.previous_score,
    trends.previous_score_month,
    trends.score - trends.previous_score as change,
    trends.moving_average_3m,
    trends.moving_average_6m,
    trends.moving_average_12m,
    trends.slope_6m,
    trends.trend,
    coalesce(trends.trend_reason, 'no score in the trailing 12 months') as trend_basis,
    case
        when trends.score is not null
        then
            rank() over (
                partition by rows_wanted.period_month, rows_wanted.dimension, trends.score_source
                order by trends.score desc nulls last
            )
    end as rank
from rows_wanted
cross join build.settings as settings
cross join core.delivery_records as records
left join month_scores using (period_month, account_id, dimension)
left join core.delivery_quality_totals as totals using (period_month, account_id)
left join unknown_deductions using (period_month, account_id, dimension)
left join core.rating_trends as trends using (period_month, account_id, dimension)
left join
    build.rating_bands as bands
    on bands.rules_no = rows_wanted.rules_no
    and trends.score <= bands.upper_score
    and (bands.lower_score is null or trends.score > bands.lower_score)
left join core.accounts as accounts on accounts.account_id = rows_wanted.account_id
