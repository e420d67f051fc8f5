-- fmt: off
-- grain: plan version × month built × item with a figure then, in the fiscal year to date or in the month a year before
-- why: month and fiscal year to date side by side, the latter as the sum of the months' rounded rows. An item stays
--   listed to the end of the fiscal year, so that year-to-date totals are complete in a month without plan and sales
-- fmt: on
with
    contributions as (
        select
            items.* exclude (period_month),
            built.period_month,
            built.prior_year_month,
            built.period_month = items.period_month as is_current
        from core.plan_items as items
        join core.plan_months as months using (plan_version, period_month)
        join
            core.plan_months as built
            on built.plan_version = months.plan_version
            and built.fiscal_year = months.fiscal_year
            and built.month_index >= months.month_index
            and built.is_built
        -- What was sold only a year before says something about that one month.
        where items.has_plan_line or items.has_sales or built.period_month = items.period_month
    ),

    results as (
        select
            plan_version,
            period_month,
            item,
            prior_year_month,

            coalesce(bool_or(has_plan) filter (where is_current), false) as has_plan,
            coalesce(bool_or(has_sales) filter (where is_current), false) as has_sales,
            coalesce(bool_or(has_sold_quantity) filter (where is_current), false) as has_sold_quantity,
            min(bridge_reason) filter (where is_current) as bridge_reason,
            case when bool_or(is_current) then sum(plan_quantity) filter (where is_current) else 0 end as plan_quantity,
            complete_sum(plan_amount, is_current) as plan_amount,
            case
                when bool_or(is_current) then sum(actual_quantity) filter (where is_current) else 0
            end as actual_quantity,
            complete_sum(actual_amount, is_current) as actual_amount,
            complete_sum(volume_effect, is_current) as volume_effect,
            complete_sum(mix_effect, is_current) as mix_effect,
            complete_sum(price_effect, is_current) as price_effect,
            complete_sum(fx_effect, is_current) as fx_effect,
            complete_sum(new_effect, is_current) as new_effect,
            complete_sum(lost_effect, is_current) as lost_effect,
            complete_sum(adjustment_effect, is_current) as adjustment_effect,

            bool_or(has_plan) as ytd_has_plan,
            bool_or(has_sales) as ytd_has_sales,
            bool_or(has_sold_quantity) as ytd_has_sold_quantity,
            -- In alphabetical order a missing rate comes before a missing quantity.
            min(bridge_reason) as ytd_bridge_reason,
            sum(plan_quantity) as ytd_plan_quantity,
            complete_sum(plan_amount, true) as ytd_plan_amount,
            sum(actual_quantity) as ytd_actual_quantity,
            complete_sum(actual_amount, true) as ytd_actual_amount,
            complete_sum(volume_effect, true) as ytd_volume_effect,
            complete_sum(mix_effect, true) as ytd_mix_effect,
            complete_sum(price_effect, true) as ytd_price_effect,
            complete_sum(fx_effect, true) as ytd_fx_effect,
            complete_sum(new_effect, true) as ytd_new_effect,
            complete_sum(lost_effect, true) as ytd_lost_effect,
            complete_sum(adjustment_effect, true) as ytd_adjustment_effect,

            complete_sum(prior_year_amount, is_current) as prior_year_amount,
            min(prior_year_rate_reason) filter (where is_current) as prior_year_rate_reason
        from contributions
        group by plan_version, period_month, item, prior_year_month
    ),

    sales_history as (
        select min(sales.period_month) as first_month
        from core.sales as sales
        join build.settings as settings on settings.actual = sales.basis
    )

select
    results.* exclude (item, prior_year_month, prior_year_amount, prior_year_rate_reason) replace (
        case when versions.has_quantity then results.plan_quantity end as plan_quantity,
        case when versions.has_quantity then results.ytd_plan_quantity end as ytd_plan_quantity
    ),
    results.item.account_id,
    results.item.product_id,
    -- What the plan's grain leaves out but implies, for readers and for the levels of the summary.
    case
        when versions.by_product_line
        then results.item.product_line
        when versions.by_product_id
        then coalesce(products.product_line, 'unknown')
    end as product_line,
    case
        when versions.by_account_manager
        then results.item.account_manager
        when versions.by_account_id
        then coalesce(accounts.account_manager, 'unknown')
    end as account_manager,
    case
        when versions.by_region
        then results.item.region
        when versions.by_account_id
        then coalesce(accounts.region, 'unknown')
    end as region,
    case
        when sales_history.first_month <= results.prior_year_month then results.prior_year_amount
    end as prior_year_amount,
    case
        when sales_history.first_month <= results.prior_year_month
        then results.prior_year_rate_reason
        else 'no sales on record by then'
    end as prior_year_reason
from results
cross join sales_history
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = results.item.account_id
left join core.products as products on products.product_id = results.item.product_id
