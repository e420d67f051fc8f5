-- fmt: off
-- grain: period_month, account_manager, tenth
-- why: whether the probabilities that managers state come true: of what they call 70 %, seven of ten should be won. Counted are the
--   opportunities decided in the twelve months to the month end. The probability is the one stated three months before the decision,
--   else the first one; what had none before its decision is not counted
-- method: pipeline-calibration-1
-- needs: opportunities
-- lines: core.opportunity_statements where least(floor(line.stated_probability * 10), 9) = figure.tenth and (figure.period_month,
--     line.opportunity_id, line.closed_on) in (select (months.period_month, months.opportunity_id, months.closed_on) from
--     core.opportunity_months as months left join core.accounts as accounts on accounts.account_id = months.account_id where
--     months.is_decided and known(coalesce(line.account_manager, accounts.account_manager)) = figure.account_manager) sums n = 1,
--     stated_sum = stated_probability
-- columns:
--   period_month     DATE
--   account_manager  VARCHAR        here: Manager that the record of the probability names, else the account's
--   tenth            INTEGER        [number; none] Range of the probability: 0 is 0 up to 0.1, 7 is 0.7 up to 0.8, 9 is 0.9 to 1
--   n                BIGINT         [count; last in time] Opportunities decided in the twelve months
--   stated_sum       DECIMAL(34,4)  [count; last in time] Their probabilities, added up: how many should have been won
--   won              BIGINT         [count; last in time; more is better] How many were won
--   brier_sum        DECIMAL(34,8)  [count; last in time; less is better] (probability − 1)² of each one won and probability² of each one lost, added up
--   stated_ratio     DECIMAL(18,6)  [fraction; ratio of stated_sum ÷ n] The mean probability stated
--   won_ratio        DECIMAL(18,6)  [fraction; ratio of won ÷ n; more is better] The share that was won
--   brier_score      DECIMAL(18,6)  [fraction; ratio of brier_sum ÷ n; less is better] Mean squared error of the probabilities: 0 is perfect, 0.25 is what always saying 0.5 gets source: Brier 1950, verification of forecasts
-- fmt: on
with
    decisions as (
        select
            months.period_month,
            known(coalesce(stated.account_manager, accounts.account_manager)) as account_manager,
            least(floor(stated.stated_probability * 10), 9)::integer as tenth,
            stated.stated_probability,
            (months.outcome = 'won')::integer as is_won
        from core.opportunity_months as months
        semi join build.periods as periods on periods.period_month = months.period_month
        join
            core.opportunity_statements as stated
            on stated.opportunity_id = months.opportunity_id
            and stated.closed_on = months.closed_on
        left join core.accounts as accounts on accounts.account_id = months.account_id
        where months.is_decided
    )

select
    period_month,
    account_manager,
    tenth,
    count(*) as n,
    sum(stated_probability) as stated_sum,
    sum(is_won) as won,
    sum((stated_probability - is_won) * (stated_probability - is_won)) as brier_sum,
    ratio(sum(stated_probability), n) as stated_ratio,
    ratio(sum(is_won), n) as won_ratio,
    ratio(brier_sum, n) as brier_score
from decisions
group by period_month, account_manager, tenth
