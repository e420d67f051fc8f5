-- fmt: off
-- grain: business month × account × dimension, for the months built and accounts with a score in the trailing twelve months
-- why: where a score comes from and how it develops. A score is compared with earlier ones of its own source only:
--      a switch from the customer's opinion to our own figures is not a change in performance
-- columns:
--   period_month          DATE
--   account_id            VARCHAR
--   dimension             VARCHAR
--   score                 DECIMAL(18,6)
--   score_source          VARCHAR
--   previous_score        DECIMAL(18,6)
--   previous_score_month  DATE
--   moving_average_3m     DOUBLE
--   moving_average_6m     DOUBLE
--   moving_average_12m    DOUBLE
--   slope_6m              DECIMAL(18,6)
--   trend                 VARCHAR
--   trend_reason          VARCHAR
-- fmt: on
with
    scores as (
        select months.month_index, scores.*
        from core.rating_scores as scores
        join core.rating_months as months using (period_month)
    ),

    series as (select distinct account_id, dimension, source from scores),

    -- One row per month, also without a score, so that a window is twelve months long and not twelve scores.
    looking_back as (
        select
            series.account_id,
            series.dimension,
            series.source,
            months.period_month,
            months.month_index,
            scores.score,
            list({'month':scores.month_index, 'period_month':scores.period_month, 'score':scores.score}) filter (
                scores.score is not null
            ) over trailing_year as points_12m
        from series
        cross join core.rating_months as months
        left join
            scores
            on scores.account_id = series.account_id
            and scores.dimension = series.dimension
            and scores.source = series.source
            and scores.period_month = months.period_month
        window
            trailing_year as (
                partition by series.account_id, series.dimension, series.source
                order by months.month_index
                range between 11 preceding and current row
            )
    ),

    -- The source is the month's: the customer's where there is one. A month without a score looks back on the
    -- customer's scores, else on our own.
    chosen as (
        select
            looking_back.*,
            list_filter(points_12m, lambda point:point.month > looking_back.month_index - 3) as points_3m,
            list_filter(points_12m, lambda point:point.month > looking_back.month_index - 6) as points_6m,
            points_12m[-1 - (score is not null)::integer] as previous
        from looking_back
        join build.periods as periods using (period_month)
        where len(points_12m) > 0
        qualify
            row_number() over (
                partition by looking_back.period_month, account_id, dimension order by score is null, source
            )
            = 1
    ),

    measured as (
        select
            *,
            case when len(points_6m) >= 4 then least_squares_slope(points_6m)::decimal(18, 6) end as slope_6m,
            case when len(points_6m) >= 4 then mann_kendall_z([point.score for point in points_6m]) end as mann_kendall,
            [point.score for point in points_12m[-4:]] as last_four
        from chosen
    ),

    -- 1 is up, -1 is down, 0 is neither.
    signals as (
        select
            *,
            case
                -- 1.644854 is the 95 % quantile of the normal distribution: two-sided 0.1.
                when slope_6m > 0.5 and mann_kendall > 1.644854
                then 1
                when slope_6m < -0.5 and mann_kendall < -1.644854
                then -1
                else 0
            end as slope_signal,
            case
                when len(last_four) < 4
                then 0
                when last_four[1] < last_four[2] and last_four[2] < last_four[3] and last_four[3] < last_four[4]
                then 1
                when last_four[1] > last_four[2] and last_four[2] > last_four[3] and last_four[3] > last_four[4]
                then -1
                else 0
            end as changes_signal
        from measured
    )

select
    period_month,
    account_id,
    dimension,
    score,
    case when score is not null then source end as score_source,
    previous.score as previous_score,
    previous.period_month as previous_score_month,
    list_mean([point.score for point in points_3m]) as moving_average_3m,
    list_mean([point.score for point in points_6m]) as moving_average_6m,
    list_mean([point.score for point in points_12m]) as moving_average_12m,
    slope_6m,
    case
        when score is null or len(last_four) < 4
        then null
        -- The two never point in opposite directions: a slope needs four scores, the last four among them.
        when slope_signal + changes_signal > 0
        then 'improving'
        when slope_signal + changes_signal < 0
        then 'deteriorating'
        else 'stable'
    end as trend,
    case
        when score is null
        then 'no score in the month'
        when len(last_four) < 4
        then 'fewer than 4 months with a score'
        when slope_signal <> 0 and changes_signal <> 0
        then 'slope and three changes'
        when slope_signal <> 0
        then 'slope'
        when changes_signal <> 0
        then 'three changes'
        else 'neither slope nor three changes'
    end as trend_reason
from signals
