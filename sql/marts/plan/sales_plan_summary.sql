-- fmt: off
-- grain: period_month, plan_version, level, account_id, account_manager, product_line
-- why: the plan and its bridge for a manager, an account or all, as sums of the rows of sales_plan_variance before these are rounded. The
--   difference that rounding makes is in rounding_effect. A level is left out where the plan's grain does not imply it; a sum is NULL where one of its rows is
-- method: pvm-acca-1
-- needs: sales_plan, actual_sales
-- adds up within one: plan_version, level
-- renamed: prior_year_reason to prior_year_amount_reason
-- lines: core.plan_results by period_month, plan_version where (figure.level <> 'account' or line.account_id is not distinct from
--     figure.account_id) and (figure.level <> 'account_manager' or line.account_manager is not distinct from figure.account_manager) and
--     (figure.level <> 'product_line' or line.product_line is not distinct from figure.product_line) sums plan_quantity, actual_quantity,
--     plan_amount = exact_plan_amount, actual_amount = exact_actual_amount, prior_year_amount = exact_prior_year_amount, variance_amount
--     = exact_actual_amount - exact_plan_amount, volume_effect, mix_effect, price_effect, fx_effect, new_effect, lost_effect,
--     adjustment_effect;
--   for ytd_*: core.plan_results by period_month, plan_version where not line.ytd_is_left_out and (figure.level <> 'account' or
--     line.account_id is not distinct from figure.account_id) and (figure.level <> 'account_manager' or line.account_manager is not
--     distinct from figure.account_manager) and (figure.level <> 'product_line' or line.product_line is not distinct from
--     figure.product_line) sums ytd_plan_quantity, ytd_actual_quantity, ytd_plan_amount = ytd_exact_plan_amount, ytd_actual_amount =
--     ytd_exact_actual_amount, ytd_variance_amount = ytd_exact_actual_amount - ytd_exact_plan_amount, ytd_volume_effect, ytd_mix_effect,
--     ytd_price_effect, ytd_fx_effect, ytd_new_effect, ytd_lost_effect, ytd_adjustment_effect;
--   for outside_amount: core.plan_outside_amounts by period_month, plan_version sums outside_amount
-- columns:
--   period_month              DATE
--   plan_version              VARCHAR
--   level                     VARCHAR        What the row adds up: total, account, account_manager or product_line; rows of several levels count the same sales again
--   account_id                VARCHAR        here: The customer account, at its level; else NULL
--   account_name              VARCHAR        here: Name of the account, at its level; else NULL
--   account_manager           VARCHAR        here: The manager; at account level the account's; else NULL
--   product_line              VARCHAR        here: The product line, at its level; else NULL
--   plan_due_date             DATE           When the version was due, from settings
--   plan_submitted_at         TIMESTAMP      When the last of the version's rows was submitted
--   submitted_on_time         BOOLEAN
--   scope                     VARCHAR
--   plan_quantity             DECIMAL(34,4)
--   quantity_reason           VARCHAR        Why no quantity is shown although items have one: they are of different units
--   plan_amount               DECIMAL(32,2)
--   actual_quantity           DECIMAL(34,4)
--   actual_amount             DECIMAL(32,2)
--   outside_amount            DECIMAL(32,2)  [reporting currency; sum] Net sales outside the plan's scope, which actual_amount leaves out; in the total only
--   outside_amount_reason     VARCHAR
--   variance_amount           DECIMAL(32,2)
--   variance_ratio            DECIMAL(36,6)
--   volume_effect             DECIMAL(32,2)
--   mix_effect                DECIMAL(32,2)
--   price_effect              DECIMAL(32,2)
--   fx_effect                 DECIMAL(32,2)
--   new_effect                DECIMAL(32,2)
--   lost_effect               DECIMAL(32,2)
--   adjustment_effect         DECIMAL(32,2)
--   rounding_effect           DECIMAL(32,2)
--   bridge_status             VARCHAR
--   rag                       VARCHAR
--   ytd_plan_quantity         DECIMAL(34,4)
--   ytd_plan_amount           DECIMAL(32,2)
--   ytd_actual_quantity       DECIMAL(34,4)
--   ytd_actual_amount         DECIMAL(32,2)
--   ytd_variance_amount       DECIMAL(32,2)
--   ytd_variance_ratio        DECIMAL(36,6)
--   ytd_volume_effect         DECIMAL(32,2)
--   ytd_mix_effect            DECIMAL(32,2)
--   ytd_price_effect          DECIMAL(32,2)
--   ytd_fx_effect             DECIMAL(32,2)
--   ytd_new_effect            DECIMAL(32,2)
--   ytd_lost_effect           DECIMAL(32,2)
--   ytd_adjustment_effect     DECIMAL(32,2)
--   ytd_rounding_effect       DECIMAL(32,2)
--   ytd_bridge_status         VARCHAR
--   ytd_rag                   VARCHAR
--   ytd_left_out              VARCHAR
--   prior_year_amount         DECIMAL(32,2)
--   prior_year_amount_reason  VARCHAR
-- fmt: on
with
    levels as (
        select plan_version, 'total' as level
        from core.plan_versions
        union all
        select plan_version, 'account'
        from core.plan_versions
        where by_account_id
        union all
        select plan_version, 'account_manager'
        from core.plan_versions
        where by_account_manager or by_account_id
        union all
        select plan_version, 'product_line'
        from core.plan_versions
        where by_product_line or by_product_id
    ),

    added_up as (
        select
            results.period_month,
            results.plan_version,
            levels.level,
            case when levels.level = 'account' then results.account_id end as account_id,
            case when levels.level = 'account_manager' then results.account_manager end as account_manager,
            case when levels.level = 'product_line' then results.product_line end as product_line,
            bool_or(columns('^(ytd_)?has_')),
            -- In alphabetical order a missing rate comes before a missing quantity.
            min(results.bridge_reason) as bridge_reason,
            min(results.prior_year_amount_reason) as prior_year_amount_reason,
            -- Items of which the year to date knows nothing are left out of it.
            case
                when bool_and(results.ytd_is_left_out)
                then min(results.ytd_bridge_reason)
                else min(results.ytd_bridge_reason) filter (where not results.ytd_is_left_out)
            end as ytd_bridge_reason,
            min(results.ytd_left_out) as ytd_left_out,
            -- Pieces and kilograms have no common total.
            case
                when not coalesce(min(results.least_unit) <> max(results.greatest_unit), false)
                then sum(columns('^(ytd_)?(plan|actual)_quantity$'))
            end,
            units_reason(min(results.least_unit) <> max(results.greatest_unit)) as quantity_reason,
            complete_sum(columns('^(exact_)?(plan|actual|prior_year)_amount$|^[^y].*_effect$'), true),
            case
                when not bool_and(results.ytd_is_left_out)
                then complete_sum(columns('^ytd_.*_(amount|effect)$'), not results.ytd_is_left_out)
            end
        from core.plan_results as results
        join levels using (plan_version)
        group by all
    ),

    whole as (
        select
            * exclude (plan_amount, actual_amount, ytd_plan_amount, ytd_actual_amount, prior_year_amount),
            plan_amount as rounded_plan_amount,
            actual_amount as rounded_actual_amount,
            ytd_plan_amount as ytd_rounded_plan_amount,
            ytd_actual_amount as ytd_rounded_actual_amount,
            round(exact_plan_amount, 2)::decimal(38, 2) as plan_amount,
            round(exact_actual_amount, 2)::decimal(38, 2) as actual_amount,
            round(ytd_exact_plan_amount, 2)::decimal(38, 2) as ytd_plan_amount,
            round(ytd_exact_actual_amount, 2)::decimal(38, 2) as ytd_actual_amount,
            round(exact_prior_year_amount, 2)::decimal(38, 2) as prior_year_amount
        from added_up
    ),

    sums as (
        select
            *,
            shown_ratio(ratio(actual_amount - plan_amount, greatest(plan_amount, 0))) as variance_ratio,
            shown_ratio(ratio(ytd_actual_amount - ytd_plan_amount, greatest(ytd_plan_amount, 0))) as ytd_variance_ratio
        from whole
    )

select
    sums.period_month,
    sums.plan_version,
    sums.level,
    sums.account_id,
    case when sums.level = 'account' then known(accounts.account_name) end as account_name,
    case
        sums.level when 'account' then known(accounts.account_manager) else sums.account_manager
    end as account_manager,
    sums.product_line,
    versions.due_date as plan_due_date,
    versions.submitted_at as plan_submitted_at,
    versions.submitted_on_time,
    versions.scope,
    sums.plan_quantity,
    sums.quantity_reason,
    sums.plan_amount,
    sums.actual_quantity,
    sums.actual_amount,
    case
        when sums.level = 'total' and outside.outside_reason is null then coalesce(outside.outside_amount, 0)
    end as outside_amount,
    case
        when sums.level = 'total' then outside.outside_reason else 'given in the total only'
    end as outside_amount_reason,
    sums.actual_amount - sums.plan_amount as variance_amount,
    sums.variance_ratio,
    sums.volume_effect,
    sums.mix_effect,
    sums.price_effect,
    sums.fx_effect,
    sums.new_effect,
    sums.lost_effect,
    sums.adjustment_effect,
    (sums.actual_amount - sums.plan_amount)
    - (sums.rounded_actual_amount - sums.rounded_plan_amount) as rounding_effect,
    bridge_status(sums.bridge_reason, sums.has_plan, sums.has_sales, sums.has_sold_quantity) as bridge_status,
    rag_colour(sums.variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) as rag,
    sums.ytd_plan_quantity,
    sums.ytd_plan_amount,
    sums.ytd_actual_quantity,
    sums.ytd_actual_amount,
    sums.ytd_actual_amount - sums.ytd_plan_amount as ytd_variance_amount,
    sums.ytd_variance_ratio,
    sums.ytd_volume_effect,
    sums.ytd_mix_effect,
    sums.ytd_price_effect,
    sums.ytd_fx_effect,
    sums.ytd_new_effect,
    sums.ytd_lost_effect,
    sums.ytd_adjustment_effect,
    (sums.ytd_actual_amount - sums.ytd_plan_amount)
    - (sums.ytd_rounded_actual_amount - sums.ytd_rounded_plan_amount) as ytd_rounding_effect,
    bridge_status(
        sums.ytd_bridge_reason, sums.ytd_has_plan, sums.ytd_has_sales, sums.ytd_has_sold_quantity
    ) as ytd_bridge_status,
    rag_colour(sums.ytd_variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) as ytd_rag,
    sums.ytd_left_out,
    sums.prior_year_amount,
    sums.prior_year_amount_reason
from sums
cross join build.settings as settings
join core.plan_versions as versions using (plan_version)
left join core.plan_outside_amounts as outside using (plan_version, period_month)
left join core.accounts as accounts on accounts.account_id = sums.account_id
