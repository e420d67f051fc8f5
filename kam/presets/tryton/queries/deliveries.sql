-- One row a stock move that was done for a sale's line: on a customer shipment, or alone. Returns are no deliveries, and Tryton does not
-- keep what the customer rejected.
-- reads: company_company: id
-- reads: sale_sale: id, number, company
-- reads: sale_line: id, sale, quantity
-- reads: stock_move: id, origin, shipment, company, state, effective_date, internal_quantity, create_date, write_date
-- reads: stock_shipment_out: id, number, create_date, write_date
with
    company as (select id from company_company order by id limit 1),
    move as (
        select
            coalesce(shipment.number || '#' || shipment.id, 'move#' || move.id) as delivery_id,
            move.id as line_no,
            sale.number || '#' || sale.id as order_id,
            line.id as order_line_no,
            move.effective_date as delivered_date,
            move.internal_quantity::numeric as quantity,
            max(greatest(move.create_date, move.write_date, shipment.create_date, shipment.write_date))
                over (partition by coalesce(shipment.id, -move.id)) as changed_at
        from stock_move as move
        join company on company.id = move.company
        join sale_line as line on line.id = nullif(split_part(move.origin, ',', 2), '')::integer and line.quantity > 0
        join sale_sale as sale on sale.id = line.sale
        left join stock_shipment_out as shipment
            on move.shipment = 'stock.shipment.out,' || shipment.id
        where move.origin like 'sale.line,%' and move.state = 'done'
    )
select * from move where changed_at > :watermark
