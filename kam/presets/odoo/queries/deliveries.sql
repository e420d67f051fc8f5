-- Goods that left for customers, by transfer, in the unit of the product. What came back of a delivery counts as rejected.
-- reads: res_company: id
-- reads: sale_order: id, name
-- reads: sale_order_line: id, order_id
-- reads: stock_picking: id, name, company_id, state, date_done, write_date
-- reads: stock_location: id, usage
-- reads: stock_move: id, picking_id, state, date, quantity, sale_line_id, location_dest_id, origin_returned_move_id, product_id, write_date
-- reads: product_product: id, product_tmpl_id
-- reads: product_template: id, uom_id
-- reads: uom_uom: id, factor
with
    company as (select min(id) as id from res_company),

    units as (
        select id, case when to_jsonb(uom_uom) ? 'relative_factor' then factor else 1 / factor end as size
        from uom_uom
    ),

    moves as (
        select
            move.*,
            round(move.quantity * coalesce(moved.size / own.size, 1), 4) as own_quantity
        from stock_move as move
        join product_product as product on product.id = move.product_id
        join product_template as template on template.id = product.product_tmpl_id
        left join units as own on own.id = template.uom_id
        left join units as moved
            on moved.id = coalesce(to_jsonb(move) ->> 'product_uom', to_jsonb(move) ->> 'uom_id')::integer
        where move.state = 'done'
    ),

    changed as (
        select id from stock_picking where write_date > :watermark
        union
        select picking_id from stock_move where write_date > :watermark
        union
        select sent.picking_id
        from stock_move as back
        join stock_move as sent on sent.id = back.origin_returned_move_id
        where back.write_date > :watermark
    )

select
    document.name as delivery_id,
    move.id as line_no,
    orders.name as order_id,
    line.id as order_line_no,
    coalesce(document.date_done, move.date) at time zone 'UTC' as delivered_date,
    move.own_quantity as quantity,
    nullif(coalesce(returned.quantity, 0), 0) as rejected_quantity,
    greatest(
        document.write_date,
        max(move.write_date) over (partition by document.id),
        max(returned.write_date) over (partition by document.id)
    ) as changed_at
from stock_picking as document
join changed on changed.id = document.id
join company on company.id = document.company_id
join moves as move on move.picking_id = document.id
join stock_location as place on place.id = move.location_dest_id and place.usage = 'customer'
join sale_order_line as line on line.id = move.sale_line_id
join sale_order as orders on orders.id = line.order_id
left join
    (
        select origin_returned_move_id, sum(own_quantity) as quantity, max(write_date) as write_date
        from moves
        where origin_returned_move_id is not null
        group by origin_returned_move_id
    ) as returned
    on returned.origin_returned_move_id = move.id
where document.state = 'done'
order by document.id, move.id
