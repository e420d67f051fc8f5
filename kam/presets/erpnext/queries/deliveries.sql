-- Submitted delivery notes against orders, in the stock unit of the item. What came back of a delivery counts as rejected. A cancelled note comes with quantity 0.
-- reads: tabCompany: name, creation
-- reads: tabDelivery Note: name, docstatus, company, posting_date, is_return, modified
-- reads: tabDelivery Note Item: name, parent, idx, against_sales_order, so_detail, stock_qty, dn_detail
-- reads: tabSales Order Item: name, idx
with
    company as (select name from `tabCompany` order by creation, name limit 1),

    returned as (
        select line.dn_detail, -sum(line.stock_qty) as quantity, max(document.modified) as modified
        from `tabDelivery Note` as document
        join `tabDelivery Note Item` as line on line.parent = document.name
        where document.docstatus = 1 and document.is_return = 1 and line.dn_detail is not null
        group by line.dn_detail
    ),

    changed as (
        select name from `tabDelivery Note` where is_return = 0 and modified > :watermark
        union
        select sent.parent
        from `tabDelivery Note` as back
        join `tabDelivery Note Item` as line on line.parent = back.name
        join `tabDelivery Note Item` as sent on sent.name = line.dn_detail
        -- Cancelled returns too.
        where back.is_return = 1 and back.modified > :watermark
    )

select
    document.name as delivery_id,
    line.idx as line_no,
    line.against_sales_order as order_id,
    ordered.idx as order_line_no,
    document.posting_date as delivered_date,
    case when document.docstatus = 1 then round(line.stock_qty, 4) else 0 end as quantity,
    round(returned.quantity, 4) as rejected_quantity,
    greatest(document.modified, coalesce(returned.modified, document.modified)) as changed_at
from `tabDelivery Note` as document
join changed on changed.name = document.name
join company on company.name = document.company
join `tabDelivery Note Item` as line on line.parent = document.name
join `tabSales Order Item` as ordered on ordered.name = line.so_detail
left join returned on returned.dn_detail = line.name
where document.docstatus in (1, 2) and document.is_return = 0 and line.stock_qty >= 0
order by document.name, line.idx
