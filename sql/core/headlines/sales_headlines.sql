-- fmt: off
-- grain: month looked back on × account, from its first invoice or order on × measure
-- why: what an account bought and ordered in each month, 0 where it did neither, as core.item_sales_amounts has it
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    first_days as (
        select 'sales.net_amount' as measure, account_id, min(invoice_date) as first_date
        from core.invoices
        group by account_id
        union all
        select 'sales.ordered_amount', account_id, min(order_date)
        from core.orders
        group by account_id
    ),

    sold as (
        select
            sales_month,
            account_id,
            complete_sum(net_amount, true) as net_amount,
            complete_sum(ordered_amount, true) as ordered_amount
        from core.item_sales_amounts
        semi join months on months.looked_month = sales_month
        group by sales_month, account_id
    )

select
    months.looked_month,
    first_days.account_id,
    first_days.measure,
    case
        when sold.account_id is null
        then 0
        when first_days.measure = 'sales.net_amount'
        then sold.net_amount
        else sold.ordered_amount
    end::decimal(36, 6) as figure
from first_days
join months on months.as_of_date >= first_days.first_date
left join sold on sold.sales_month = months.looked_month and sold.account_id = first_days.account_id
