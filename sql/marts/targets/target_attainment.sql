-- fmt: off
-- grain: period_month, measure, account_id, account_manager
-- why: what the published figures are against their targets: of an account, of all accounts of a manager, or of all. The figure is made
--   from sums at that level, never from a mean of ratios. Delivery counts by the default basis
-- method: target-attainment-1
-- needs: targets
-- lines: core.targets by month = period_month, measure, account_id, account_manager
-- columns:
--   period_month             DATE
--   measure                  VARCHAR        The figure, as table.column
--   account_id               VARCHAR        here: The customer account; NULL where the target is of a manager or of all
--   account_name             VARCHAR        here: Name of the account; unknown where master data has none, NULL where the target is of no account
--   account_manager          VARCHAR        here: The manager whose accounts the target is of; NULL where the target names none
--   unit                     VARCHAR        here: Unit of target and actual
--   direction                VARCHAR        Whether more or less of the figure is better
--   target                   DECIMAL(36,6)  [as the row says; none] What the figure should be: at least, or at most where less is better
--   actual                   DECIMAL(36,6)  [as the row says; none] What it is
--   actual_reason            VARCHAR
--   attainment_ratio         DECIMAL(36,6)  [fraction; none; more is better] How far the target is reached := actual ÷ target; where less is better, target ÷ actual
--   attainment_ratio_reason  VARCHAR
--   is_met                   BOOLEAN        Whether the target is reached; NULL where the actual is undefined, or neither more nor less is better
-- fmt: on
select
    targets.month as period_month,
    targets.measure,
    targets.account_id,
    case when targets.account_id is not null then known(accounts.account_name) end as account_name,
    targets.account_manager,
    actuals.unit,
    actuals.direction,
    targets.target,
    actuals.actual,
    actuals.actual_reason,
    coalesce(
        actuals.actual_reason,
        case
            when actuals.direction = 'neither'
            then 'neither more nor less is better'
            when actuals.direction = 'less' and actuals.actual <= 0
            then 'the actual is not above zero'
            when actuals.direction = 'more' and targets.target <= 0
            then 'the target is not above zero'
        end
    ) as attainment_ratio_reason,
    case
        when attainment_ratio_reason is not null
        then null
        when actuals.direction = 'less'
        then shown_ratio(ratio(targets.target, actuals.actual))
        else shown_ratio(ratio(actuals.actual, targets.target))
    end as attainment_ratio,
    case
        actuals.direction
        when 'more'
        then actuals.actual >= targets.target
        when 'less'
        then actuals.actual <= targets.target
    end as is_met
from core.targets as targets
join
    core.measure_actuals as actuals
    on actuals.period_month = targets.month
    and actuals.measure = targets.measure
    and actuals.account_id is not distinct from targets.account_id
    and actuals.account_manager is not distinct from targets.account_manager
left join core.accounts as accounts on accounts.account_id = targets.account_id
