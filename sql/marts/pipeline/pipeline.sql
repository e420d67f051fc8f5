-- fmt: off
-- grain: period_month, account_id, stage
-- why: what is offered and not decided, what of it can be expected, what is late, and what was decided in the month
-- method: pipeline-1
-- needs: opportunities
-- lines: core.opportunity_months by period_month, account_id, stage sums open_count = is_open, open_amount = case when is_open then
--     amount end, expected_amount = case when is_open then expected_amount end, unrated_count = is_unrated, slipped_count = is_slipped,
--     won = is_won, lost = is_lost, won_amount = case when is_won then amount end, lost_amount = case when is_lost then amount end
-- columns:
--   period_month             DATE
--   account_id               VARCHAR
--   account_name             VARCHAR
--   account_manager          VARCHAR
--   stage                    VARCHAR        How far the opportunities have come, in the source's own words; unknown where they name none
--   open_count               BIGINT         [count; last in time; more is better] Opportunities open at the month end
--   open_amount              DECIMAL(32,2)  [reporting currency; last in time; more is better] What they are worth, at the rate of the month end
--   open_amount_reason       VARCHAR        Why open_amount is undefined; expected_amount is undefined then too
--   expected_amount          DECIMAL(32,2)  [reporting currency; last in time; more is better] Each one's amount times its probability, added up; those without a probability count 0
--   unrated_count            BIGINT         [count; last in time; less is better] Of the open ones, those without a probability
--   slipped_count            BIGINT         [count; last in time; less is better] Of the open ones, those whose decision was expected by the month end
--   won                      BIGINT         [count; sum; more is better] Opportunities won in the month. One that is recorded in a later month than it was closed counts there source: Microsoft Dynamics 365, opportunity close
--   lost                     BIGINT         [count; sum; less is better] Opportunities lost in the month, counted in the same way
--   won_amount               DECIMAL(32,2)  [reporting currency; sum; more is better] What those won are worth, each at the rate of the day it was closed
--   won_amount_reason        VARCHAR
--   lost_amount              DECIMAL(32,2)  [reporting currency; sum; less is better] What those lost would have been worth, each at the rate of the day it was closed
--   lost_amount_reason       VARCHAR
-- fmt: on
with
    totals as (
        select
            period_month,
            account_id,
            stage,
            count_if(is_open) as open_count,
            reasoned_sum(amount, amount_reason, is_open) as open_amount,
            min(amount_reason) filter (is_open) as open_amount_reason,
            reasoned_sum(expected_amount, amount_reason, is_open) as expected_amount,
            count_if(is_unrated) as unrated_count,
            count_if(is_slipped) as slipped_count,
            count_if(is_won) as won,
            count_if(is_lost) as lost,
            reasoned_sum(amount, amount_reason, is_won) as won_amount,
            min(amount_reason) filter (is_won) as won_amount_reason,
            reasoned_sum(amount, amount_reason, is_lost) as lost_amount,
            min(amount_reason) filter (is_lost) as lost_amount_reason
        from core.opportunity_months
        semi join build.periods using (period_month)
        where is_open or is_won or is_lost
        group by period_month, account_id, stage
    )

select totals.*, known(accounts.account_name) as account_name, known(accounts.account_manager) as account_manager
from totals
left join core.accounts as accounts on accounts.account_id = totals.account_id
