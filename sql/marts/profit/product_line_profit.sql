-- fmt: off
-- grain: period_month, account_id, product_line
-- why: what each product line earns with each account before the costs of serving it, and how its quantity follows its price. Goods
--   are valued at the standard cost of the invoice date. Sales of parts without one are left out of the margin, and shown
-- method: product-line-profit-1
-- needs: invoices
-- lines: core.item_margins by sales_month = period_month, account_id where (figure.product_line is not distinct from coalesce((select
--     known(products.product_line) from core.products as products where products.product_id = line.product_id), known(null))) sums
--     net_sales_amount = net_amount, uncosted_amount, cost_of_goods_amount = cost_amount, gross_margin_amount = net_amount -
--     uncosted_amount - cost_amount;
--   for price_count, price_elasticity: core.item_margins by account_id where line.sales_month between (figure.period_month - interval 11
--     month)::date and figure.period_month and (figure.product_line is not distinct from coalesce((select known(products.product_line)
--     from core.products as products where products.product_id = line.product_id), known(null)))
-- columns:
--   period_month                DATE
--   account_id                  VARCHAR
--   account_name                VARCHAR
--   account_manager             VARCHAR
--   product_line                VARCHAR
--   net_sales_amount            DECIMAL(32,2)
--   net_sales_amount_reason     VARCHAR
--   uncosted_amount             DECIMAL(32,2)
--   cost_of_goods_amount        DECIMAL(32,2)
--   gross_margin_amount         DECIMAL(32,2)
--   gross_margin_amount_reason  VARCHAR
--   gross_margin_ratio          DECIMAL(36,6)
--   gross_margin_ratio_reason   VARCHAR
--   price_count                 BIGINT         [count; none] Different prices, to four decimals, of the trailing 12 months with sales; a price is net amount ÷ quantity of a month
--   price_elasticity            DECIMAL(36,6)  [multiple; none] By how many percent the quantity changes with one percent of price := least-squares slope of ln quantity on ln price over these months
--   price_elasticity_reason     VARCHAR
-- fmt: on
with
    sold as (
        select
            margins.sales_month,
            margins.account_id,
            known(products.product_line) as product_line,
            lower(products.unit) as unit,
            margins.net_quantity,
            margins.net_amount,
            margins.net_reason,
            margins.uncosted_amount,
            margins.cost_amount,
            margins.cost_reason
        from core.item_margins as margins
        left join core.products as products on products.product_id = margins.product_id
        -- What was sold and taken back has no row, unless it cost something.
        where
            margins.net_quantity <> 0
            or margins.net_amount <> 0
            or margins.net_reason is not null
            or margins.cost_amount <> 0
            or margins.cost_reason is not null
            or margins.uncosted_amount <> 0
    ),

    months as (
        select
            sales_month,
            account_id,
            product_line,
            complete_sum(net_amount, true) as net_amount,
            min(net_reason) as net_reason,
            complete_sum(uncosted_amount, true) as uncosted_amount,
            complete_sum(cost_amount, true) as cost_amount,
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
