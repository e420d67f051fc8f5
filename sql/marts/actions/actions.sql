-- fmt: off
-- grain: period_month, action_id
-- why: the actions that are open at the month end, or were opened, done or cancelled in the month, as known then. action_status counts them
-- method: actions-2
-- needs: actions
-- lines: core.actions by action_id
-- columns:
--   period_month      DATE
--   action_id         VARCHAR        The action
--   account_id        VARCHAR        here: The customer account; NULL where the action is of none
--   account_name      VARCHAR        here: Name of the account; unknown where master data has none, NULL where the action is of none
--   account_manager   VARCHAR        here: Manager of the account, else the owner of the action
--   owner             VARCHAR        Who does it
--   kind              VARCHAR
--   plan_id           VARCHAR        The action plan or programme that it belongs to
--   title             VARCHAR        What is to be done
--   about             VARCHAR        What it is about, such as issue:4711
--   opened_date       DATE           Day on which it was agreed
--   due_date          DATE           Day by which it is due
--   done_date         DATE           Day on which it was done, by the month end
--   cancelled_date    DATE           Day on which it was given up, by the month end
--   updated_date      DATE           Day on which its owner last reported on it, by the month end
--   age_days          BIGINT         [days; last in time; less is better] Days from the day it was agreed to the month end, of an open action
--   measure           VARCHAR        The figure that it is to improve, as table.column
--   baseline          DECIMAL(36,6)  [as the row says; none] What the figure was when it began; measure names the figure and its unit
--   target            DECIMAL(36,6)  [as the row says; none] What the figure is to become
--   measure_value     DECIMAL(36,6)  [as the row says; none] What the figure is in the month: of the account, of an action of no account of all accounts, as target_attainment makes it from sums
--   measure_value_reason VARCHAR
--   is_opened         BOOLEAN        Whether it was agreed in the month
--   is_done           BOOLEAN        Whether it was done in the month
--   is_done_on_time   BOOLEAN        Whether it was done in the month and by its due date
--   is_cancelled      BOOLEAN        Whether it was given up in the month
--   is_open           BOOLEAN        Whether it is neither done nor given up at the month end
--   is_overdue        BOOLEAN        Whether it is open and its due date lies before the month end
--   is_not_updated    BOOLEAN        Whether it is open and its owner last reported more than 7 days before the month end
-- fmt: on
select
    months.looked_month as period_month,
    months.* exclude (looked_month),
    actuals.actual as measure_value,
    case
        when months.measure is null then 'the action names no figure' else actuals.actual_reason
    end as measure_value_reason,
    case when months.account_id is not null then known(accounts.account_name) end as account_name,
    known(coalesce(accounts.account_manager, months.owner)) as account_manager
from core.action_months as months
semi join build.periods as periods on periods.period_month = months.looked_month
left join
    core.measure_actuals as actuals
    on actuals.period_month = months.looked_month
    and actuals.measure = months.measure
    and actuals.account_id is not distinct from months.account_id
    and actuals.account_manager is null
left join core.accounts as accounts on accounts.account_id = months.account_id
