-- fmt: off
-- grain: period_month, account_id, kind, criterion
-- why: the newest audit, certificate, award, survey or programme result of each account by the month end, against the one before, and how
--   long it is valid
-- method: assessment-scores-1
-- needs: assessments
-- adds up within one: kind
-- lines: core.assessments by assessment_id, criterion;
--   for awards_this_fiscal_year: build.assessments by period_month, account_id, criterion where figure.kind = 'award' and
--     line.is_award_this_fiscal_year sums awards_this_fiscal_year = 1;
--   for previous_score_ratio, score_change: core.assessments by assessment_id, criterion;
--   for previous_score_ratio, score_change: core.assessments by assessment_id = previous_assessment_id, criterion
-- columns:
--   period_month              DATE
--   account_id                VARCHAR        here: The customer account; NULL where the assessments are of none, such as our own certificates
--   account_name              VARCHAR        here: Name of the account; unknown where master data has none, NULL where the assessments are of none
--   account_manager           VARCHAR        here: Manager of the account; unknown where master data has none, NULL where the assessments are of no account
--   kind                      VARCHAR        here: What the assessments are: audit, certificate, award, survey, programme
--   criterion                 VARCHAR
--   assessment_id             VARCHAR        The newest assessment by the month end; of two on one day the larger number
--   title                     VARCHAR        What it is called
--   assessed_on               DATE
--   points                    DECIMAL(36,6)  [as the row says; last in time; more is better] Points given; NULL where the points possible are not known
--   max_points                DECIMAL(36,6)  [as the row says; last in time] Points possible; NULL where no points were given
--   score_ratio               DECIMAL(36,6)  [fraction; ratio of points ÷ max_points; more is better] Points given as a share of those possible
--   score_ratio_reason        VARCHAR
--   previous_assessment_id    VARCHAR        The latest earlier assessment that has a score
--   previous_score_ratio      DECIMAL(36,6)  [fraction; none] Score of that one
--   previous_score_ratio_reason VARCHAR
--   score_change              DECIMAL(36,6)  [fraction; none; more is better] What the score rose by := score_ratio − previous_score_ratio
--   score_change_reason       VARCHAR
--   valid_until               DATE
--   days_left                 BIGINT
--   days_left_reason          VARCHAR
--   awards_this_fiscal_year   BIGINT         [count; last in time; more is better] Awards given from the start of the fiscal year to the month end; 0 in rows of other kinds
-- fmt: on
with
    newest as (
        select months.*, months.score_ratio - months.previous_score_ratio as score_change
        from core.assessment_months as months
        semi join build.periods as periods on periods.period_month = months.looked_month
        where is_newest
    ),

    awards as (
        select looked_month, account_id, criterion, count(*) as award_count
        from core.assessment_months
        where is_award_of_the_year
        group by looked_month, account_id, criterion
    )

select
    newest.looked_month as period_month,
    newest.account_id,
    case when newest.account_id is not null then known(accounts.account_name) end as account_name,
    case when newest.account_id is not null then known(accounts.account_manager) end as account_manager,
    newest.kind,
    newest.criterion,
    newest.assessment_id,
    newest.title,
    newest.assessed_on,
    case when score_ratio is not null then newest.points end as points,
    case when score_ratio is not null then newest.max_points end as max_points,
    newest.score_ratio,
    case
        when newest.points is null
        then 'the assessment gives no points'
        when newest.max_points is null
        then 'the assessment does not say how many points are possible'
    end as score_ratio_reason,
    newest.previous_assessment_id,
    newest.previous_score_ratio,
    case
        when newest.previous_score_ratio is null then 'no earlier assessment with a score'
    end as previous_score_ratio_reason,
    newest.score_change,
    coalesce(score_ratio_reason, previous_score_ratio_reason) as score_change_reason,
    newest.valid_until,
    newest.days_left,
    case when newest.valid_until is null then 'the assessment names no last day' end as days_left_reason,
    coalesce(awards.award_count, 0) as awards_this_fiscal_year
from newest
left join
    awards
    on newest.kind = 'award'
    and awards.looked_month = newest.looked_month
    and awards.account_id is not distinct from newest.account_id
    and awards.criterion = newest.criterion
left join core.accounts as accounts on accounts.account_id = newest.account_id
