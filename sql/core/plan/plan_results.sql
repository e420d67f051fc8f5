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
            coalesce(bool_or(columns('^has_(plan|sales|sold_quantity)$')) filter (where is_current), false),
            bool_or(columns('^(has_(?:plan|sales|sold_quantity))$')) as 'ytd_\1',
            -- In alphabetical order a missing rate comes before a missing quantity.
            min(columns('_reason$')) filter (where is_current),
            min(bridge_reason) as ytd_bridge_reason,
            case
                when bool_or(is_current) then sum(columns('^(plan|actual)_quantity$')) filter (where is_current) else 0
            end,
            sum(columns('^((?:plan|actual)_quantity)$')) as 'ytd_\1',
            complete_sum(columns('_(amount|effect)$'), is_current),
            complete_sum(columns('^((?:plan|actual)_amount|.*_effect)$'), true) as 'ytd_\1'
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
        then known(products.product_line)
    end as product_line,
    case
        when versions.by_account_manager
        then results.item.account_manager
        when versions.by_account_id
        then known(accounts.account_manager)
    end as account_manager,
    case
        when versions.by_region then results.item.region when versions.by_account_id then known(accounts.region)
    end as region,
    case
        when sales_history.first_month <= results.prior_year_month then results.prior_year_amount
    end as prior_year_amount,
    case
        when sales_history.first_month <= results.prior_year_month
        then results.prior_year_rate_reason
        else 'no sales on record by then'
    end as prior_year_amount_reason
from results
cross join sales_history
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = results.item.account_id
left join core.products as products on products.product_id = results.item.product_id
