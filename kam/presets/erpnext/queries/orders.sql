-- Submitted orders with all lines, in the stock unit of the item. Drafts do not count. A cancelled order comes with its lines as cancelled.
-- reads: tabCompany: name, creation
-- reads: tabSales Order: name, docstatus, status, company, customer, transaction_date, currency, modified
-- reads: tabSales Order Item: parent, parenttype, idx, item_code, stock_qty, net_amount, delivery_date
-- reads: tabItem: name, is_stock_item
with
    company as (select name from `tabCompany` order by creation, name limit 1)

select
    document.name as order_id,
    line.idx as line_no,
    document.customer as account_id,
    line.item_code as product_id,
    document.transaction_date as order_date,
    -- What is no stock item is not delivered.
    case when item.is_stock_item = 1 then line.delivery_date end as promised_date,
    round(line.stock_qty, 4) as quantity,
    round(line.net_amount / nullif(line.stock_qty, 0), 10) as unit_price,
    document.currency,
    case
        when document.docstatus = 2 then 'cancelled' when document.status in ('Closed', 'Completed') then 'closed' else 'open'
    end as status,
    document.modified as changed_at
from `tabSales Order` as document
join company on company.name = document.company
join `tabSales Order Item` as line on line.parent = document.name and line.parenttype = 'Sales Order'
left join `tabItem` as item on item.name = line.item_code
where document.docstatus in (1, 2) and line.stock_qty >= 0 and line.net_amount >= 0 and document.modified > :watermark
order by document.name, line.idx
