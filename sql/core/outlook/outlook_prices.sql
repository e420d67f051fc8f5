-- fmt: off
-- grain: month built × account × part with a forecast for months to come
-- why: what the item is likely to sell for: the price of its last month with sales, from sums
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   product_id    VARCHAR
--   quantity      DECIMAL(38,4)
--   amount        DOUBLE
-- fmt: on
with
    items as (select distinct period_month, account_id, product_id from core.outlook_forecasts),

    sold as (
        select
            sales.account_id,
            sales.product_id,
            sales.period_month as sales_month,
            sales.currency,
            sum(sales.quantity) as quantity,
            sum(sales.amount_doc) as amount_doc
        from core.actual_sales as sales
        semi join items on items.account_id = sales.account_id and items.product_id = sales.product_id
        where sales.period_month <= (select max(period_month) from build.periods)
        group by sales.account_id, sales.product_id, sales.period_month, sales.currency
    ),

    -- A month of returns only has no price, nor has one of which an amount has no rate.
    months_with_sales as (
        select
            sold.account_id,
            sold.product_id,
            sold.sales_month,
            sum(sold.quantity)::decimal(38, 4) as quantity,
            complete_sum(at_rate(sold.amount_doc, rates.average_rate), true)::double as amount
        from sold
        left join core.month_rates as rates on rates.period_month = sold.sales_month and rates.currency = sold.currency
        group by sold.account_id, sold.product_id, sold.sales_month
        having sum(sold.quantity) > 0 and amount > 0
    )

select items.period_month, items.account_id, items.product_id, sales.quantity, sales.amount
from items
asof join
    months_with_sales as sales
    on sales.account_id = items.account_id
    and sales.product_id = items.product_id
    and sales.sales_month <= items.period_month
