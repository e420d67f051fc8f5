-- fmt: off
-- grain: period_month, measure, account_id, account_manager
-- why: what the published figures are against their targets: of an account, of all accounts of a manager, or of all. The figure is made
--   from sums at that level, never from a mean of ratios. Delivery counts by the default basis
-- method: target-attainment-1
-- needs: targets
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
with
    wanted as (
        select
            targets.month as period_month, targets.measure, targets.account_id, targets.account_manager, targets.target
        from core.targets as targets
        semi join build.periods as periods on periods.period_month = targets.month
    ),

    -- A target of an account may name its manager, too.
    added as (
        select
            wanted.period_month,
            wanted.measure,
            wanted.account_id,
            wanted.account_manager,
            sum(sums.row_count) as row_count,
            sum(sums.numerator) as numerator,
            sum(sums.denominator) as denominator,
            sum(sums.lacking_count) as lacking_count,
            min(sums.reason) as reason,
            min(sums.least_mixing) <> max(sums.greatest_mixing) as is_mixed
        from wanted
        join
            core.measure_sums as sums
            on sums.period_month = wanted.period_month
            and sums.measure = wanted.measure
            and (wanted.account_id is null or sums.account_id = wanted.account_id)
            and (
                wanted.account_id is not null
                or wanted.account_manager is null
                or sums.account_manager = wanted.account_manager
            )
        group by wanted.period_month, wanted.measure, wanted.account_id, wanted.account_manager
    ),

    explained as (
        select
            wanted.*,
            measures.unit,
            measures.direction,
            measures.aggregation,
            added.numerator,
            added.denominator,
            coalesce(
                case when measures.measure is null then 'no such measure' end,
                measures.missing_reason,
                case
                    when wanted.account_id is not null and not measures.has_account
                    then 'the table is not by account'
                    when wanted.account_id is null and wanted.account_manager is not null and not measures.has_manager
                    then 'the table is not by manager'
                end,
                case when added.is_mixed then 'the table has rows that must not be added up' end,
                case when measures.aggregation = 'none' and added.row_count > 1 then 'the figure does not add up' end,
                case when added.lacking_count > 0 then coalesce(added.reason, 'unknown in a row of the table') end,
                case
                    when measures.aggregation = 'none' and added.row_count is null
                    then 'the table has no row'
                    when measures.aggregation = 'ratio' and coalesce(added.denominator, 0) = 0
                    then coalesce(added.reason, 'nothing to divide by')
                end
            ) as actual_reason
        from wanted
        left join build.measures as measures on measures.measure = wanted.measure
        left join
            added
            on added.period_month = wanted.period_month
            and added.measure = wanted.measure
            and added.account_id is not distinct from wanted.account_id
            and added.account_manager is not distinct from wanted.account_manager
    ),

    -- What adds up and has no row is 0: nothing was sold, nothing is open.
    measured as (
        select
            *,
            case
                when actual_reason is not null
                then null
                when aggregation = 'ratio'
                then shown_ratio(ratio(numerator, denominator))
                else coalesce(numerator, 0)::decimal(36, 6)
            end as actual
        from explained
    )

select
    measured.period_month,
    measured.measure,
    measured.account_id,
    case when measured.account_id is not null then known(accounts.account_name) end as account_name,
    measured.account_manager,
    measured.unit,
    measured.direction,
    measured.target,
    measured.actual,
    measured.actual_reason,
    coalesce(
        measured.actual_reason,
        case
            when measured.direction = 'neither'
            then 'neither more nor less is better'
            when measured.direction = 'less' and measured.actual <= 0
            then 'the actual is not above zero'
            when measured.direction = 'more' and measured.target <= 0
            then 'the target is not above zero'
        end
    ) as attainment_ratio_reason,
    case
        when attainment_ratio_reason is not null
        then null
        when measured.direction = 'less'
        then shown_ratio(ratio(measured.target, measured.actual))
        else shown_ratio(ratio(measured.actual, measured.target))
    end as attainment_ratio,
    case
        measured.direction
        when 'more'
        then measured.actual >= measured.target
        when 'less'
        then measured.actual <= measured.target
    end as is_met
from measured
left join core.accounts as accounts on accounts.account_id = measured.account_id
