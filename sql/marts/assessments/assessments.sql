-- fmt: off
-- grain: period_month, assessment_id, criterion
-- why: the assessments behind assessment_scores, as known at the month end: the newest of each account, kind and criterion, the one that it is
--   compared with, the awards of the fiscal year, and all that were given in the month
-- method: assessments-1
-- needs: assessments
-- lines: core.assessments by assessment_id, criterion
-- columns:
--   period_month             DATE
--   assessment_id            VARCHAR        The assessment
--   criterion                VARCHAR
--   account_id               VARCHAR        here: The customer account; NULL where the assessment is of none, such as our own certificates
--   account_name             VARCHAR        here: Name of the account; unknown where master data has none, NULL where the assessment is of none
--   account_manager          VARCHAR        here: Manager of the account; unknown where master data has none, NULL where the assessment is of no account
--   kind                     VARCHAR        here: What it is: audit, certificate, award, survey, programme
--   title                    VARCHAR        Name of the assessment
--   assessed_on              DATE
--   valid_until              DATE
--   days_left                BIGINT
--   points                   DECIMAL(36,6)  [as the row says; none; more is better] Points given; max_points says of how many
--   max_points               DECIMAL(36,6)  [as the row says; none] Points possible
--   score_ratio              DECIMAL(36,6)  [fraction; none; more is better] Points given as a share of those possible; NULL where one of them is not known
--   is_newest                BOOLEAN        Whether assessment_scores shows it
--   is_previous              BOOLEAN        Whether assessment_scores compares the newest one with it
--   is_award_this_fiscal_year BOOLEAN       Whether it is an award given from the start of the fiscal year to the month end
-- fmt: on
select
    months.looked_month as period_month,
    months.assessment_id,
    months.criterion,
    months.account_id,
    case when months.account_id is not null then known(accounts.account_name) end as account_name,
    case when months.account_id is not null then known(accounts.account_manager) end as account_manager,
    months.kind,
    months.title,
    months.assessed_on,
    months.valid_until,
    months.days_left,
    months.points,
    months.max_points,
    months.score_ratio,
    months.is_newest,
    months.is_previous,
    months.is_award_of_the_year as is_award_this_fiscal_year
from core.assessment_months as months
join build.periods as periods on periods.period_month = months.looked_month
left join core.accounts as accounts on accounts.account_id = months.account_id
where
    months.is_newest
    or months.is_previous
    or months.is_award_of_the_year
    or months.assessed_on between periods.start_date and periods.as_of_date
