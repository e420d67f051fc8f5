-- fmt: off
-- grain: month built × measure × account × manager that a target or an action names
-- why: what a published figure is at the level of a target: of an account, of all accounts of a manager, or of all, made from sums at that
--   level. An action names an account, else all
-- columns:
--   period_month     DATE
--   measure          VARCHAR
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   unit             VARCHAR
--   direction        VARCHAR
--   actual           DECIMAL(36,6)
--   actual_reason    VARCHAR
-- fmt: on
with
    wanted as (
        select targets.month as period_month, targets.measure, targets.account_id, targets.account_manager
        from core.targets as targets
        semi join build.periods as periods on periods.period_month = targets.month
        union
        select actions.looked_month, actions.measure, actions.account_id, null
        from core.action_months as actions
        semi join build.periods as periods on periods.period_month = actions.looked_month
        where actions.measure is not null
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

select period_month, measure, account_id, account_manager, unit, direction, actual, actual_reason
from measured
