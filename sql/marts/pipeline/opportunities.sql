-- fmt: off
-- grain: period_month, opportunity_id
-- why: the opportunities that are open at the month end or were closed in the month, as known then. pipeline counts them
-- method: opportunities-1
-- needs: opportunities
-- lines: core.opportunities by opportunity_id where line.recorded_on <= (select months.as_of_date from core.months as months where
--     months.period_month = figure.period_month)
-- columns:
--   period_month               DATE
--   opportunity_id             VARCHAR        The opportunity
--   account_id                 VARCHAR
--   account_name               VARCHAR
--   account_manager            VARCHAR
--   document_account_manager   VARCHAR        here: Manager that the record names, else the account's
--   product_line               VARCHAR        here: Product line that the opportunity is about; unknown where it names none
--   stage                      VARCHAR        How far it has come, in the source's own words; unknown where it names none
--   recorded_on                DATE           Day of its newest record by the month end
--   expected_close             DATE           Day on which the decision is expected
--   outcome                    VARCHAR        How it was decided: won, lost; NULL while it is open, or where the source does not say it
--   closed_on                  DATE           Day on which it was closed; NULL while it is open
--   success_probability        DECIMAL(18,6)  [fraction; none] Probability of winning it, by the newest record
--   amount                     DECIMAL(32,2)  [reporting currency; last in time] What it is worth: open, at the rate of the month end; closed, at that of the day it was closed
--   expected_amount            DECIMAL(32,2)  [reporting currency; last in time; more is better] Of an open one, amount times success_probability; 0 without a probability
--   amount_reason              VARCHAR        Why amount and expected_amount are undefined: no rate for its currency
--   is_open                    BOOLEAN        Whether it is not closed at the month end
--   is_unrated                 BOOLEAN        Whether it is open and has no probability
--   is_slipped                 BOOLEAN        Whether it is open, and the decision was expected by the month end
--   is_closed                  BOOLEAN        Whether it was closed in the month, or was recorded in the month as closed earlier
--   is_won                     BOOLEAN        Whether it was closed so and won
--   is_lost                    BOOLEAN        Whether it was closed so and lost
--   stated_probability         DECIMAL(18,6)  [fraction; none] Of one won or lost: the probability stated three months before, else the first one stated
--   stated_on                  DATE           Day on which it was recorded; NULL where none was before the decision
-- fmt: on
select
    months.period_month,
    months.opportunity_id,
    months.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    known(coalesce(months.account_manager, accounts.account_manager)) as document_account_manager,
    known(months.product_line) as product_line,
    months.stage,
    months.recorded_on,
    months.expected_close,
    months.outcome,
    months.closed_on,
    months.success_probability,
    months.amount,
    months.expected_amount,
    months.amount_reason,
    months.is_open,
    months.is_unrated,
    months.is_slipped,
    months.is_closed,
    months.is_won,
    months.is_lost,
    stated.stated_probability,
    stated.stated_on
from core.opportunity_months as months
semi join build.periods as periods on periods.period_month = months.period_month
left join core.accounts as accounts on accounts.account_id = months.account_id
left join
    core.opportunity_statements as stated
    on stated.opportunity_id = months.opportunity_id
    and stated.closed_on = months.closed_on
    and (months.is_won or months.is_lost)
where months.is_open or months.is_closed
