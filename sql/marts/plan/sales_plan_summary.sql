-- fmt: off
-- grain: period_month, plan_version, level, account_id, account_manager, product_line
-- why: the plan and its bridge for a manager, an account or all, as sums of the rounded rows of sales_plan_variance. A
--   level is left out where the plan's grain does not imply it; a sum is NULL where one of its rows is
-- method: pvm-acca-1
-- needs: sales_plan, actual_sales
-- columns:
--   period_month           DATE           The month closed, as its first day
--   plan_version           VARCHAR        The plan compared with
--   level                  VARCHAR        What the row adds up: total, account, account_manager or product_line
--   account_id             VARCHAR        The account, at its level
--   account_name           VARCHAR        Its name; unknown where master data has none
--   account_manager        VARCHAR        The manager; at account level the account's
--   product_line           VARCHAR        The product line, at its level
--   plan_due_date          DATE           When the version was due, from settings
--   plan_submitted_at      TIMESTAMP      When the last of the version's rows was submitted
--   submitted_on_time      BOOLEAN        Submitted by its due date; NULL when either is unknown
--   plan_quantity          DECIMAL(18,4)  Quantity planned; NULL in a plan of amounts only
--   plan_amount            DECIMAL(18,2)  Net sales planned; NULL without a rate
--   actual_quantity        DECIMAL(18,4)  Quantity sold; NULL where no line has one
--   actual_amount          DECIMAL(18,2)  Net sales; NULL without a rate
--   variance_amount        DECIMAL(18,2)  Actual less plan := actual_amount − plan_amount
--   variance_ratio         DECIMAL(18,6)  Share of the plan := variance_amount ÷ plan_amount
--   volume_effect          DECIMAL(18,2)  Explained by another total quantity
--   mix_effect             DECIMAL(18,2)  Explained by another mix of items; takes the cents left by rounding
--   price_effect           DECIMAL(18,2)  Explained by other prices
--   fx_effect              DECIMAL(18,2)  Explained by other exchange rates
--   new_effect             DECIMAL(18,2)  Sales of items not planned
--   lost_effect            DECIMAL(18,2)  Plan of items not sold
--   adjustment_effect      DECIMAL(18,2)  Sales without a quantity, or of net quantity ≤ 0
--   bridge_status          VARCHAR        complete, new, lost, nothing planned or sold, or why no lanes
--   rag                    VARCHAR        green, amber or red by variance_ratio; NULL without a plan
--   ytd_plan_quantity      DECIMAL(18,4)  Fiscal year to date: quantity planned; NULL in a plan of amounts only
--   ytd_plan_amount        DECIMAL(18,2)  Fiscal year to date: net sales planned; NULL without a rate
--   ytd_actual_quantity    DECIMAL(18,4)  Fiscal year to date: quantity sold; NULL where no line has one
--   ytd_actual_amount      DECIMAL(18,2)  Fiscal year to date: net sales; NULL without a rate
--   ytd_variance_amount    DECIMAL(18,2)  Fiscal year to date: actual less plan := ytd_actual_amount − ytd_plan_amount
--   ytd_variance_ratio     DECIMAL(18,6)  Fiscal year to date: share of the plan := ytd_variance_amount ÷ ytd_plan_amount
--   ytd_volume_effect      DECIMAL(18,2)  Fiscal year to date: explained by another total quantity
--   ytd_mix_effect         DECIMAL(18,2)  Fiscal year to date: explained by another mix of items; takes the cents left by rounding
--   ytd_price_effect       DECIMAL(18,2)  Fiscal year to date: explained by other prices
--   ytd_fx_effect          DECIMAL(18,2)  Fiscal year to date: explained by other exchange rates
--   ytd_new_effect         DECIMAL(18,2)  Fiscal year to date: sales of items not planned
--   ytd_lost_effect        DECIMAL(18,2)  Fiscal year to date: plan of items not sold
--   ytd_adjustment_effect  DECIMAL(18,2)  Fiscal year to date: sales without a quantity, or of net quantity ≤ 0
--   ytd_bridge_status      VARCHAR        Fiscal year to date: complete, new, lost, nothing planned or sold, or why no lanes
--   ytd_rag                VARCHAR        Fiscal year to date: green, amber or red by ytd_variance_ratio; NULL without a plan
--   prior_year_amount      DECIMAL(18,2)  Net sales of the same month a year before; NULL with a reason
--   prior_year_reason      VARCHAR        Why there is none: no sales on record by then, or no rate
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

            bool_or(results.has_plan) as has_plan,
            bool_or(results.has_sales) as has_sales,
            bool_or(results.has_sold_quantity) as has_sold_quantity,
            -- In alphabetical order a missing rate comes before a missing quantity.
            min(results.bridge_reason) as bridge_reason,
            sum(results.plan_quantity) as plan_quantity,
            complete_sum(results.plan_amount, true) as plan_amount,
            sum(results.actual_quantity) as actual_quantity,
            complete_sum(results.actual_amount, true) as actual_amount,
            complete_sum(results.volume_effect, true) as volume_effect,
            complete_sum(results.mix_effect, true) as mix_effect,
            complete_sum(results.price_effect, true) as price_effect,
            complete_sum(results.fx_effect, true) as fx_effect,
            complete_sum(results.new_effect, true) as new_effect,
            complete_sum(results.lost_effect, true) as lost_effect,
            complete_sum(results.adjustment_effect, true) as adjustment_effect,
            bool_or(results.ytd_has_plan) as ytd_has_plan,
            bool_or(results.ytd_has_sales) as ytd_has_sales,
            bool_or(results.ytd_has_sold_quantity) as ytd_has_sold_quantity,
            min(results.ytd_bridge_reason) as ytd_bridge_reason,
            sum(results.ytd_plan_quantity) as ytd_plan_quantity,
            complete_sum(results.ytd_plan_amount, true) as ytd_plan_amount,
            sum(results.ytd_actual_quantity) as ytd_actual_quantity,
            complete_sum(results.ytd_actual_amount, true) as ytd_actual_amount,
            complete_sum(results.ytd_volume_effect, true) as ytd_volume_effect,
            complete_sum(results.ytd_mix_effect, true) as ytd_mix_effect,
            complete_sum(results.ytd_price_effect, true) as ytd_price_effect,
            complete_sum(results.ytd_fx_effect, true) as ytd_fx_effect,
            complete_sum(results.ytd_new_effect, true) as ytd_new_effect,
            complete_sum(results.ytd_lost_effect, true) as ytd_lost_effect,
            complete_sum(results.ytd_adjustment_effect, true) as ytd_adjustment_effect,
            complete_sum(results.prior_year_amount, true) as prior_year_amount,
            min(results.prior_year_reason) as prior_year_reason
        from core.plan_results as results
        join levels using (plan_version)
        group by 1, 2, 3, 4, 5, 6
    ),

    sums as (
        select
            *,
            ratio(actual_amount - plan_amount, plan_amount)::decimal(18, 6) as variance_ratio,
            ratio(ytd_actual_amount - ytd_plan_amount, ytd_plan_amount)::decimal(18, 6) as ytd_variance_ratio
        from added_up
    )

select
    sums.period_month,
    sums.plan_version,
    sums.level,
    sums.account_id,
    case when sums.level = 'account' then coalesce(accounts.account_name, 'unknown') end as account_name,
    case
        sums.level when 'account' then coalesce(accounts.account_manager, 'unknown') else sums.account_manager
    end as account_manager,
    sums.product_line,
    versions.due_date as plan_due_date,
    versions.submitted_at as plan_submitted_at,
    versions.submitted_on_time,
    sums.plan_quantity,
    sums.plan_amount,
    sums.actual_quantity,
    sums.actual_amount,
    sums.actual_amount - sums.plan_amount as variance_amount,
    sums.variance_ratio,
    sums.volume_effect,
    sums.mix_effect,
    sums.price_effect,
    sums.fx_effect,
    sums.new_effect,
    sums.lost_effect,
    sums.adjustment_effect,
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
    bridge_status(
        sums.ytd_bridge_reason, sums.ytd_has_plan, sums.ytd_has_sales, sums.ytd_has_sold_quantity
    ) as ytd_bridge_status,
    rag_colour(sums.ytd_variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) as ytd_rag,
    sums.prior_year_amount,
    sums.prior_year_reason
from sums
cross join build.settings as settings
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = sums.account_id
