-- fmt: off
-- grain: month looked back on × account × part × manager of the line
-- why: what the sales of core.item_sales_amounts cost, to the cent: all figures on margins add up these rows, so that they
--   agree. Goods cost what is valid on the day of their invoice
-- lines: core.sales by period_month = sales_month, account_id, product_id, account_manager where line.basis = 'invoiced'
-- columns:
--   sales_month      DATE
--   account_id       VARCHAR
--   product_id       VARCHAR
--   account_manager  VARCHAR
--   net_quantity     DECIMAL(38,4)
--   net_amount       DECIMAL(38,2)
--   net_reason       VARCHAR
--   uncosted_amount  DECIMAL(38,2)
--   cost_amount      DECIMAL(38,2)
--   cost_reason      VARCHAR
-- fmt: on
with
    months as (
        select days.period_month, min(days.calendar_date) as first_day, max(days.calendar_date) as last_day
        from core.days as days
        semi join core.looked_months as looked on looked.looked_month = days.period_month
        group by days.period_month
    ),

    -- Few parts change their cost inside a month. These are valued line by line, the others by month.
    changing as (
        select distinct months.period_month, costs.product_id
        from core.standard_costs as costs
        join months on costs.valid_from > months.first_day and costs.valid_from <= months.last_day
    ),

    sold as (
        select
            items.sales_month,
            months.first_day as cost_day,
            items.account_id,
            items.product_id,
            items.account_manager,
            items.currency,
            items.quantity,
            items.quantity_amount_doc + items.other_amount_doc as amount_doc
        from core.item_sales_months as items
        join months on months.period_month = items.sales_month
        anti join changing on changing.period_month = items.sales_month and changing.product_id = items.product_id
        where items.is_invoiced
        union all
        select
            sales.period_month,
            sales.sale_date,
            sales.account_id,
            sales.product_id,
            sales.account_manager,
            sales.currency,
            sum(sales.quantity),
            sum(sales.amount_doc)
        from core.sales as sales
        semi join changing on changing.period_month = sales.period_month and changing.product_id = sales.product_id
        where sales.basis = 'invoiced'
        group by
            sales.period_month,
            sales.sale_date,
            sales.account_id,
            sales.product_id,
            sales.account_manager,
            sales.currency
    ),

    costed as (
        select
            sold.*,
            coalesce(costs.unit_cost, products.standard_cost) as unit_cost,
            case when costs.unit_cost is null then products.currency else costs.currency end as cost_currency
        from sold
        asof left join
            core.standard_costs as costs on costs.product_id = sold.product_id and costs.valid_from <= sold.cost_day
        left join core.products as products on products.product_id = sold.product_id
    ),

    -- The days of a month that have the same cost, so that the long products are few.
    cost_groups as (
        select
            sales_month,
            account_id,
            product_id,
            account_manager,
            unit_cost,
            cost_currency,
            currency,
            coalesce(sum(quantity), 0) as quantity,
            sum(amount_doc) as amount_doc,
            unit_cost is not null and coalesce(sum(quantity), 0) <> 0 as has_cost,
            -- A rebate without a part has no goods that could cost something.
            unit_cost is null and (product_id is not null or coalesce(sum(quantity), 0) <> 0) as is_uncosted
        from costed
        group by sales_month, account_id, product_id, account_manager, unit_cost, cost_currency, currency
    ),

    valued as (
        select
            groups.*,
            rates.average_rate,
            rate_reason(cost_rates.average_rate, groups.cost_currency) as no_cost_rate,
            case
                when groups.has_cost then at_rate(at_price(groups.quantity, groups.unit_cost), cost_rates.average_rate)
            end as cost
        from cost_groups as groups
        left join
            core.month_rates as cost_rates
            on cost_rates.period_month = groups.sales_month
            and cost_rates.currency = groups.cost_currency
        left join
            core.month_rates as rates on rates.period_month = groups.sales_month and rates.currency = groups.currency
    ),

    items as (
        select
            sales_month,
            account_id,
            product_id,
            account_manager,
            round(complete_sum(cost, has_cost), 2) as cost_amount,
            min(
                coalesce(no_cost_rate, case when cost is null then 'quantity × standard cost is 10²⁷ or more' end)
            ) filter (where has_cost) as cost_reason,
            bool_and(is_uncosted) as is_uncosted,
            round(complete_sum(at_rate(amount_doc, average_rate), is_uncosted), 2) as uncosted_amount
        from valued
        group by sales_month, account_id, product_id, account_manager
    )

select
    items.sales_month,
    items.account_id,
    items.product_id,
    items.account_manager,
    amounts.net_quantity,
    amounts.net_amount,
    amounts.net_reason,
    -- An item wholly without a cost is left out to the cent.
    case when items.is_uncosted then amounts.net_amount else items.uncosted_amount end::decimal(
        38, 2
    ) as uncosted_amount,
    items.cost_amount::decimal(38, 2) as cost_amount,
    items.cost_reason
from items
join
    core.item_sales_amounts as amounts
    on amounts.sales_month = items.sales_month
    and amounts.account_id = items.account_id
    and amounts.product_id is not distinct from items.product_id
    and amounts.account_manager = items.account_manager
