-- fmt: off
-- grain: month of sales that a month built looks at × account × part × manager of the line
-- why: the sales of a month in the reporting currency, to the cent: all figures on sales add up these rows, so that they
--   agree. What lacks a rate brings a reason
-- lines: for ordered_*: core.sales by period_month = sales_month, account_id, product_id, account_manager where line.basis = 'ordered';
--   core.sales by period_month = sales_month, account_id, product_id, account_manager where line.basis = 'invoiced'
-- columns:
--   sales_month        DATE
--   account_id         VARCHAR
--   product_id         VARCHAR
--   account_manager    VARCHAR
--   net_quantity       DECIMAL(38,4)
--   net_amount         DECIMAL(38,2)
--   list_amount        DECIMAL(38,2)
--   return_quantity    DECIMAL(38,4)
--   return_amount      DECIMAL(38,2)
--   adjustment_amount  DECIMAL(38,2)
--   ordered_quantity   DECIMAL(38,4)
--   ordered_amount     DECIMAL(38,2)
--   net_reason         VARCHAR
--   list_reason        VARCHAR
--   ordered_reason     VARCHAR
-- fmt: on
select
    items.sales_month,
    items.account_id,
    items.product_id,
    items.account_manager,
    coalesce(sum(items.quantity), 0) as net_quantity,
    round(complete_sum((quantity_amount_doc + other_amount_doc) * rates.average_rate, is_invoiced), 2) as net_amount,
    round(
        complete_sum(
            at_rate(list_amount_doc, rates.average_rate) + case
                when products.list_price is null or unlisted_quantity = 0
                then at_rate(unlisted_amount_doc, rates.average_rate)
                else at_rate(at_price(unlisted_quantity, products.list_price), list_rates.average_rate)
            end,
            is_invoiced
        ),
        2
    ) as list_amount,
    sum(items.return_quantity) as return_quantity,
    round(complete_sum(return_amount_doc * rates.average_rate, is_invoiced), 2) as return_amount,
    round(complete_sum(other_amount_doc * rates.average_rate, is_invoiced), 2) as adjustment_amount,
    sum(items.ordered_quantity) as ordered_quantity,
    round(complete_sum(ordered_amount_doc * rates.average_rate, is_ordered), 2) as ordered_amount,
    no_rate(min(items.currency) filter (is_invoiced and rates.average_rate is null)) as net_reason,
    coalesce(
        no_rate(min(items.currency) filter (is_invoiced and rates.average_rate is null)),
        no_rate(
            min(products.currency) filter (
                unlisted_quantity <> 0 and products.list_price is not null and list_rates.average_rate is null
            )
        ),
        case when bool_or(is_invoiced) and list_amount is null then 'quantity × list price is 10²⁷ or more' end
    ) as list_reason,
    no_rate(min(items.currency) filter (is_ordered and rates.average_rate is null)) as ordered_reason
from core.item_sales_months as items
left join core.month_rates as rates on rates.period_month = items.sales_month and rates.currency = items.currency
left join core.products as products on products.product_id = items.product_id
left join
    core.month_rates as list_rates
    on list_rates.period_month = items.sales_month
    and list_rates.currency = products.currency
group by items.sales_month, items.account_id, items.product_id, items.account_manager
