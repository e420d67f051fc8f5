-- fmt: off
-- grain: month looked back on × assessment × criterion, assessed by its end
-- why: what was known of each assessment at a month's end. Where later loads overwrote a row with a later assessment, the newest one loaded
--   that is not after the month's end counts. Of an account, kind and criterion the newest counts; of two on one day the larger assessment_id
-- columns:
--   looked_month            DATE
--   assessment_id           VARCHAR
--   criterion               VARCHAR
--   account_id              VARCHAR
--   kind                    VARCHAR
--   assessed_on             DATE
--   valid_until             DATE
--   points                  DECIMAL(18,4)
--   max_points              DECIMAL(18,4)
--   title                   VARCHAR
--   score_ratio             DECIMAL(36,6)
--   previous_assessment_id  VARCHAR
--   previous_score_ratio    DECIMAL(36,6)
--   days_left               BIGINT
--   is_newest               BOOLEAN
--   is_previous             BOOLEAN
--   is_award_of_the_year    BOOLEAN
-- fmt: on
with
    months as (
        select distinct looked.looked_month, looked.as_of_date, months.fiscal_year
        from core.looked_months as looked
        join core.months as months on months.period_month = looked.looked_month
    ),

    known_then as (
        select months.looked_month, months.as_of_date, months.fiscal_year, versions.*
        from core.assessment_versions as versions
        semi join
            core.assessments as current_rows
            on current_rows.assessment_id = versions.assessment_id
            and current_rows.criterion = versions.criterion
        join months on versions.assessed_on <= months.as_of_date
        qualify
            row_number() over (
                partition by months.looked_month, versions.assessment_id, versions.criterion
                order by versions.load_id desc
            )
            = 1
    ),

    scored as (
        select
            known_then.*,
            shown_ratio(ratio(known_then.points, known_then.max_points)) as score_ratio,
            assessed_months.fiscal_year is not distinct from known_then.fiscal_year as is_of_the_year
        from known_then
        left join core.days as days on days.calendar_date = known_then.assessed_on
        left join core.months as assessed_months on assessed_months.period_month = days.period_month
    ),

    compared as (
        select
            *,
            last_value(case when score_ratio is not null then assessment_id end ignore nulls) over (
                by_age rows between unbounded preceding and 1 preceding
            ) as previous_assessment_id,
            last_value(score_ratio ignore nulls) over (
                by_age rows between unbounded preceding and 1 preceding
            ) as previous_score_ratio,
            row_number() over (by_age rows between unbounded preceding and unbounded following)
            = count(*) over (by_age rows between unbounded preceding and unbounded following) as is_newest
        from scored
        window by_age as (partition by looked_month, account_id, kind, criterion order by assessed_on, assessment_id)
    )

select
    looked_month,
    assessment_id,
    criterion,
    account_id,
    kind,
    assessed_on,
    valid_until,
    points,
    max_points,
    title,
    score_ratio,
    previous_assessment_id,
    previous_score_ratio,
    valid_until - as_of_date as days_left,
    is_newest,
    assessment_id is not distinct from max(case when is_newest then previous_assessment_id end) over (
        partition by looked_month, account_id, kind, criterion
    ) as is_previous,
    kind = 'award' and is_of_the_year as is_award_of_the_year
from compared
