-- fmt: off
-- grain: plan version × month built × item with a figure then, in the fiscal year to date or in the month a year before
-- why: month and fiscal year to date side by side. `exact_` amounts are not rounded: sums are made of them. An item stays
--   listed to the end of the fiscal year, so that year-to-date totals are complete in a month without plan and sales
-- lines: core.plan_lines by plan_version, period_month where figure.account_id is not distinct from line.item.account_id and
--     figure.product_id is not distinct from line.item.product_id and coalesce(line.item.product_line = figure.product_line, true);
--   core.sales by period_month where line.basis = (select actual from build.settings) and (figure.account_id is null or line.account_id =
--     figure.account_id) and (figure.product_id is null or line.product_id = figure.product_id) and (figure.product_id is not null or
--     figure.product_line is null or line.product_line = figure.product_line);
--   for plan_*, exact_plan_amount: core.plan_lines by plan_version, period_month where figure.account_id is not distinct from
--     line.item.account_id and figure.product_id is not distinct from line.item.product_id and coalesce(line.item.product_line =
--     figure.product_line, true);
--   for actual_*, exact_actual_amount: core.sales by period_month where line.basis = (select actual from build.settings) and
--     (figure.account_id is null or line.account_id = figure.account_id) and (figure.product_id is null or line.product_id =
--     figure.product_id) and (figure.product_id is not null or figure.product_line is null or line.product_line = figure.product_line);
--   for *prior_year_amount: core.sales where line.period_month = (figure.period_month - interval 12 month)::date and line.basis = (select
--     actual from build.settings) and (figure.account_id is null or line.account_id = figure.account_id) and (figure.product_id is null
--     or line.product_id = figure.product_id) and (figure.product_id is not null or figure.product_line is null or line.product_line =
--     figure.product_line);
--   for ytd_*: core.plan_lines by plan_version where (figure.plan_version, figure.period_month, line.period_month) in (select
--     (built.plan_version, built.period_month, months.period_month) from core.plan_months as months join core.plan_months as built on
--     built.plan_version = months.plan_version and built.fiscal_year = months.fiscal_year and built.month_index >= months.month_index and
--     built.is_built) and figure.account_id is not distinct from line.item.account_id and figure.product_id is not distinct from
--     line.item.product_id and coalesce(line.item.product_line = figure.product_line, true);
--   for ytd_*: core.sales where (figure.plan_version, figure.period_month, line.period_month) in (select (built.plan_version,
--     built.period_month, months.period_month) from core.plan_months as months join core.plan_months as built on built.plan_version =
--     months.plan_version and built.fiscal_year = months.fiscal_year and built.month_index >= months.month_index and built.is_built) and
--     line.basis = (select actual from build.settings) and (figure.account_id is null or line.account_id = figure.account_id) and
--     (figure.product_id is null or line.product_id = figure.product_id) and (figure.product_id is not null or figure.product_line is
--     null or line.product_line = figure.product_line)
-- columns:
--   period_month              DATE
--   plan_version              VARCHAR
--   account_id                VARCHAR
--   product_id                VARCHAR
--   product_line              VARCHAR
--   account_manager           VARCHAR
--   region                    VARCHAR
--   has_plan                  BOOLEAN
--   has_sales                 BOOLEAN
--   has_sold_quantity         BOOLEAN
--   plan_quantity             DECIMAL(38,4)
--   plan_amount               DECIMAL(38,2)
--   actual_quantity           DECIMAL(38,4)
--   actual_amount             DECIMAL(38,2)
--   volume_effect             DECIMAL(38,2)
--   mix_effect                DECIMAL(38,2)
--   price_effect              DECIMAL(38,2)
--   fx_effect                 DECIMAL(38,2)
--   new_effect                DECIMAL(38,2)
--   lost_effect               DECIMAL(38,2)
--   adjustment_effect         DECIMAL(38,2)
--   bridge_reason             VARCHAR
--   ytd_has_plan              BOOLEAN
--   ytd_has_sales             BOOLEAN
--   ytd_has_sold_quantity     BOOLEAN
--   ytd_plan_quantity         DECIMAL(38,4)
--   ytd_plan_amount           DECIMAL(38,2)
--   ytd_actual_quantity       DECIMAL(38,4)
--   ytd_actual_amount         DECIMAL(38,2)
--   ytd_volume_effect         DECIMAL(38,2)
--   ytd_mix_effect            DECIMAL(38,2)
--   ytd_price_effect          DECIMAL(38,2)
--   ytd_fx_effect             DECIMAL(38,2)
--   ytd_new_effect            DECIMAL(38,2)
--   ytd_lost_effect           DECIMAL(38,2)
--   ytd_adjustment_effect     DECIMAL(38,2)
--   ytd_bridge_reason         VARCHAR
--   ytd_left_out              VARCHAR
--   ytd_is_left_out           BOOLEAN
--   prior_year_amount         DECIMAL(38,2)
--   prior_year_amount_reason  VARCHAR
--   exact_plan_amount         DECIMAL(38,8)
--   exact_actual_amount       DECIMAL(38,8)
--   exact_prior_year_amount   DECIMAL(38,8)
--   ytd_exact_plan_amount     DECIMAL(38,8)
--   ytd_exact_actual_amount   DECIMAL(38,8)
--   least_unit                VARCHAR
--   greatest_unit             VARCHAR
-- fmt: on
with
    contributions as (
        select
            items.* exclude (period_month),
            built.period_month,
            built.prior_year_month,
            built.period_month = items.period_month as is_current,
            -- A month before the first rate of its currency: the year to date is that of the others.
            not is_current and coalesce(items.bridge_reason like 'no rate%', false) as is_left_out
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
            case
                when bool_and(is_left_out)
                then min(bridge_reason)
                else min(bridge_reason) filter (where not is_left_out)
            end as ytd_bridge_reason,
            min(bridge_reason) filter (where is_left_out) as ytd_left_out,
            bool_and(is_left_out) as ytd_is_left_out,
            min(least_unit) as least_unit,
            max(greatest_unit) as greatest_unit,
            case
                when bool_or(is_current) then sum(columns('^(plan|actual)_quantity$')) filter (where is_current) else 0
            end,
            sum(columns('^((?:plan|actual)_quantity)$')) filter (where not is_left_out) as 'ytd_\1',
            complete_sum(columns('_(amount|effect)$'), is_current),
            case
                when not bool_and(is_left_out)
                then complete_sum(columns('^((?:exact_)?(?:plan|actual)_amount|.*_effect)$'), not is_left_out)
            end as 'ytd_\1'
        from contributions
        group by plan_version, period_month, item, prior_year_month
    ),

    sales_history as (select min(sales.period_month) as first_month from core.actual_sales as sales)

select
    results.period_month,
    results.plan_version,
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
    results.has_plan,
    results.has_sales,
    results.has_sold_quantity,
    case when versions.has_quantity then results.plan_quantity end as plan_quantity,
    results.plan_amount,
    results.actual_quantity,
    results.actual_amount,
    results.volume_effect,
    results.mix_effect,
    results.price_effect,
    results.fx_effect,
    results.new_effect,
    results.lost_effect,
    results.adjustment_effect,
    results.bridge_reason,
    results.ytd_has_plan,
    results.ytd_has_sales,
    results.ytd_has_sold_quantity,
    case when versions.has_quantity then results.ytd_plan_quantity end as ytd_plan_quantity,
    results.ytd_plan_amount,
    results.ytd_actual_quantity,
    results.ytd_actual_amount,
    results.ytd_volume_effect,
    results.ytd_mix_effect,
    results.ytd_price_effect,
    results.ytd_fx_effect,
    results.ytd_new_effect,
    results.ytd_lost_effect,
    results.ytd_adjustment_effect,
    results.ytd_bridge_reason,
    case
        when results.bridge_reason is null or results.bridge_reason not like 'no rate%' then results.ytd_left_out
    end as ytd_left_out,
    results.ytd_is_left_out,
    case
        when sales_history.first_month <= results.prior_year_month then results.prior_year_amount
    end as prior_year_amount,
    case
        when sales_history.first_month <= results.prior_year_month
        then results.prior_year_rate_reason
        else 'no sales on record by then'
    end as prior_year_amount_reason,
    results.exact_plan_amount,
    results.exact_actual_amount,
    case
        when sales_history.first_month <= results.prior_year_month then results.exact_prior_year_amount
    end as exact_prior_year_amount,
    results.ytd_exact_plan_amount,
    results.ytd_exact_actual_amount,
    results.least_unit,
    results.greatest_unit
from results
cross join sales_history
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = results.item.account_id
left join core.products as products on products.product_id = results.item.product_id
