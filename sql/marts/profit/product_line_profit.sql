-- fmt: off
-- grain: period_month, account_id, product_line
-- why: what each product line earns with each account before the costs of serving it, and how its quantity follows its price. Goods
--   are valued at the standard cost of the invoice date. Sales of parts without one are left out of the margin, and shown
-- method: product-line-profit-1
-- needs: invoices
-- columns:
--   period_month                DATE
--   account_id                  VARCHAR
--   account_name                VARCHAR
--   account_manager             VARCHAR
--   product_line                VARCHAR
--   net_sales_amount            DECIMAL(32,2)  [reporting currency; sum; more is better] Net amount invoiced in the month, credit notes negative
--   net_sales_amount_reason     VARCHAR
--   uncosted_amount             DECIMAL(32,2)  [reporting currency; sum] Of it, sales of parts without a cost; they are left out of the margin. Rebates without a part cost nothing and are not left out
--   cost_of_goods_amount        DECIMAL(32,2)  [reporting currency; sum; less is better] Net quantity invoiced at the standard cost of the invoice date, at the average rate of the month
--   gross_margin_amount         DECIMAL(32,2)  [reporting currency; sum; more is better] What is left of the sales := net_sales_amount − uncosted_amount − cost_of_goods_amount
--   gross_margin_amount_reason  VARCHAR        Why gross_margin_amount is undefined; uncosted_amount and cost_of_goods_amount are undefined then too
--   gross_margin_ratio          DECIMAL(36,6)  [fraction; ratio of gross_margin_amount ÷ (net_sales_amount - uncosted_amount); more is better] Gross margin as a share of the sales that it is made from
--   gross_margin_ratio_reason   VARCHAR
--   price_count                 BIGINT         [count; none] Different prices, to four decimals, of the trailing 12 months with sales; a price is net amount ÷ quantity of a month
--   price_elasticity            DECIMAL(36,6)  [multiple; none] By how many percent the quantity changes with one percent of price := least-squares slope of ln quantity on ln price over these months
--   price_elasticity_reason     VARCHAR
-- fmt: on
with
    invoiced as (
        select sales.*
        from core.sales as sales
        semi join build.periods as periods on periods.period_month = sales.period_month
        where sales.basis = 'invoiced'
    ),

    costed as (
        select
            invoiced.*,
            coalesce(costs.unit_cost, products.standard_cost) as unit_cost,
            case when costs.unit_cost is null then products.currency else costs.currency end as cost_currency
        from invoiced
        asof left join
            core.standard_costs as costs
            on costs.product_id = invoiced.product_id
            and costs.valid_from <= invoiced.sale_date
        left join core.products as products on products.product_id = invoiced.product_id
    ),

    -- Few costs hold in one month, so the long products are few, too.
    cost_groups as (
        select
            period_month,
            account_id,
            product_id,
            account_manager,
            unit_cost,
            cost_currency,
            currency,
            coalesce(sum(quantity), 0) as quantity,
            sum(amount_doc) as amount_doc,
            -- A rebate without a part has no goods that could cost something.
            unit_cost is null and (product_id is not null or coalesce(sum(quantity), 0) <> 0) as is_uncosted
        from costed
        group by period_month, account_id, product_id, account_manager, unit_cost, cost_currency, currency
    ),

    item_costs as (
        select
            groups.period_month as sales_month,
            groups.account_id,
            groups.product_id,
            groups.account_manager,
            complete_sum(
                at_rate(at_price(groups.quantity, groups.unit_cost), cost_rates.average_rate),
                groups.quantity <> 0 and groups.unit_cost is not null
            ) as cost,
            min(
                coalesce(
                    rate_reason(cost_rates.average_rate, groups.cost_currency),
                    case
                        when at_rate(at_price(groups.quantity, groups.unit_cost), cost_rates.average_rate) is null
                        then 'quantity × standard cost is 10²⁷ or more'
                    end
                )
            ) filter (where groups.quantity <> 0 and groups.unit_cost is not null) as cost_reason,
            bool_and(groups.is_uncosted) as is_uncosted,
            round(
                complete_sum(at_rate(groups.amount_doc, rates.average_rate), groups.is_uncosted), 2
            ) as uncosted_amount
        from cost_groups as groups
        left join
            core.month_rates as cost_rates
            on cost_rates.period_month = groups.period_month
            and cost_rates.currency = groups.cost_currency
        left join
            core.month_rates as rates on rates.period_month = groups.period_month and rates.currency = groups.currency
        group by groups.period_month, groups.account_id, groups.product_id, groups.account_manager
    ),

    sold as (
        select
            amounts.sales_month,
            amounts.account_id,
            known(products.product_line) as product_line,
            lower(products.unit) as unit,
            amounts.net_quantity,
            amounts.net_amount,
            amounts.net_reason,
            -- Only the months built have costs. An item wholly without one is left out to the cent.
            costs.sales_month is not null as has_costs,
            case when costs.is_uncosted then amounts.net_amount else costs.uncosted_amount end as uncosted_amount,
            costs.cost,
            costs.cost_reason
        from core.item_sales_amounts as amounts
        left join core.products as products on products.product_id = amounts.product_id
        left join
            item_costs as costs
            on costs.sales_month = amounts.sales_month
            and costs.account_id = amounts.account_id
            and costs.product_id is not distinct from amounts.product_id
            and costs.account_manager = amounts.account_manager
        -- Orders have rows there, too.
        where
            amounts.net_quantity <> 0
            or amounts.net_amount <> 0
            or amounts.net_reason is not null
            -- Sold at one cost and taken back at another.
            or costs.cost <> 0
            or costs.cost_reason is not null
            or costs.uncosted_amount <> 0
    ),

    months as (
        select
            sales_month,
            account_id,
            product_line,
            complete_sum(net_amount, true) as net_amount,
            min(net_reason) as net_reason,
            complete_sum(uncosted_amount, has_costs) as uncosted_amount,
            round(complete_sum(cost, has_costs), 2) as cost_amount,
            min(cost_reason) as cost_reason,
            min(unit) as least_unit,
            max(unit) as greatest_unit,
            sum(net_quantity)::double as quantity
        from sold
        group by sales_month, account_id, product_line
    ),

    priced as (
        select
            *,
            case when net_amount > 0 and quantity > 0 then net_amount::double / quantity end as price,
            -- Exact numbers, so that their sums do not depend on the order of rows.
            case when price is not null then ln(price)::decimal(18, 9) end as x,
            case when price is not null then ln(quantity)::decimal(18, 9) end as y
        from months
    ),

    lines as (
        select
            windows.period_month,
            account_id,
            product_line,
            complete_sum(net_amount, is_current) as net_sales_amount,
            min(net_reason) filter (is_current) as net_sales_amount_reason,
            complete_sum(uncosted_amount, is_current) as uncosted_amount,
            complete_sum(cost_amount, is_current) as cost_of_goods_amount,
            min(cost_reason) filter (is_current) as cost_reason,
            count(distinct round(price::decimal(36, 6), 4)) as price_count,
            count(x) as n,
            ratio(
                n * sum(x * y)::double - sum(x)::double * sum(y)::double,
                n * sum(x * x)::double - sum(x)::double * sum(x)::double
            ) as slope,
            units_reason(min(least_unit) <> max(greatest_unit)) as unit_reason,
            min(net_reason) as price_reason
        from priced
        join core.sales_windows as windows on windows.sales_month = priced.sales_month and windows.is_rolling_12
        group by windows.period_month, account_id, product_line
    ),

    explained as (
        select
            lines.*,
            coalesce(
                case
                    when not list_contains(settings.declared_feeds, 'standard_costs')
                    then undeclared_reason('products', settings.declared_feeds)
                end,
                lines.net_sales_amount_reason,
                lines.cost_reason
            ) as gross_margin_amount_reason,
            coalesce(
                lines.price_reason,
                lines.unit_reason,
                case when lines.price_count < 4 then 'fewer than 4 prices in the trailing 12 months' end,
                case when lines.slope is null then 'the prices hardly differ' end
            ) as price_elasticity_reason,
            lines.net_sales_amount - lines.uncosted_amount as costed_amount
        from lines
        cross join build.settings as settings
    )

select
    explained.period_month,
    explained.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    explained.product_line,
    explained.net_sales_amount,
    explained.net_sales_amount_reason,
    case when gross_margin_amount_reason is null then explained.uncosted_amount end as uncosted_amount,
    case when gross_margin_amount_reason is null then explained.cost_of_goods_amount end as cost_of_goods_amount,
    case
        when gross_margin_amount_reason is null then costed_amount - explained.cost_of_goods_amount
    end as gross_margin_amount,
    explained.gross_margin_amount_reason,
    shown_ratio(ratio(gross_margin_amount, greatest(costed_amount, 0))) as gross_margin_ratio,
    coalesce(
        explained.gross_margin_amount_reason,
        case when costed_amount <= 0 then 'sales with a cost are not above zero' end
    ) as gross_margin_ratio_reason,
    explained.price_count,
    case when price_elasticity_reason is null then shown_ratio(slope) end as price_elasticity,
    explained.price_elasticity_reason
from explained
left join core.accounts as accounts on accounts.account_id = explained.account_id
