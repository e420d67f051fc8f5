-- One row a line of a sale that Tryton processes or has done. Confirmed sales that wait for their grace period can still become drafts,
-- so they do not count yet. Sales of returned goods (quantity below zero) are no orders; their credit notes are in invoices.
-- Quantities and prices are those of the product's own unit. What is delivered is in deliveries: a line that was delivered whole stays open
-- here, so that a month before its last delivery shows it as it was then; closed is one of which the rest is not shipped any more. Services
-- are never shipped: they count as delivered with their invoice.
-- reads: company_company: id
-- reads: currency_currency: id, code
-- reads: party_party: id, code
-- reads: product_product: id, code, template
-- reads: product_template: id, default_uom, type
-- reads: product_uom: id, factor
-- reads: sale_sale: id, number, party, company, currency, sale_date, shipping_date, state, create_date, write_date
-- reads: sale_line: id, sale, type, product, unit, quantity, actual_quantity, quantity_to_ship, quantity_to_invoice, unit_price, create_date, write_date
-- reads: stock_move: origin, state, planned_date, origin_planned_date, internal_quantity, create_date, write_date
-- reads: account_invoice: id, state, invoice_date, create_date, write_date
-- reads: account_invoice_line: invoice, origin
with
    company as (select id from company_company order by id limit 1),
    move as (
        select
            nullif(split_part(origin, ',', 2), '')::integer as sale_line,
            min(origin_planned_date) as first_planned,
            max(planned_date) filter (where state <> 'cancelled') as last_planned,
            bool_and(state = 'cancelled') as is_cancelled,
            bool_and(state in ('done', 'cancelled')) as is_over,
            coalesce(sum(internal_quantity) filter (where state = 'done'), 0) as shipped,
            max(greatest(create_date, write_date)) as changed_at
        from stock_move
        where origin like 'sale.line,%'
        group by origin
    ),
    invoiced as (
        select
            nullif(split_part(line.origin, ',', 2), '')::integer as sale_line,
            max(invoice.invoice_date) filter (where invoice.state in ('posted', 'paid')) as last_date,
            max(greatest(invoice.create_date, invoice.write_date)) as changed_at
        from account_invoice_line as line
        join account_invoice as invoice on invoice.id = line.invoice
        where line.origin like 'sale.line,%'
        group by line.origin
    ),
    line as (
        select
            sale.number || '#' || sale.id as order_id,
            line.id as line_no,
            party.code as account_id,
            case when product.id is not null then coalesce(nullif(product.code, ''), product.id::text) end as product_id,
            sale.sale_date as order_date,
            sale.shipping_date as requested_date,
            move.first_planned as promised_date,
            move.last_planned as last_promised_date,
            case
                when unit.id = own_unit.id or own_unit.id is null then line.quantity::numeric
                else (line.quantity * unit.factor / own_unit.factor)::numeric
            end as quantity,
            case
                when unit.id = own_unit.id or own_unit.id is null then line.unit_price
                else line.unit_price * (own_unit.factor / unit.factor)::numeric
            end as unit_price,
            currency.code as currency,
            move.is_cancelled and line.actual_quantity = 0 as is_cancelled,
            sale.state = 'done' or (move.is_over and line.quantity_to_ship = 0) as is_over,
            move.shipped::numeric as shipped,
            case when template.type = 'service' and line.quantity_to_invoice = 0 then invoiced.last_date end as delivered_date,
            max(
                greatest(
                    sale.create_date, sale.write_date, line.create_date, line.write_date, move.changed_at,
                    case when template.type = 'service' then invoiced.changed_at end
                )
            ) over (partition by sale.id) as changed_at
        from sale_sale as sale
        join company on company.id = sale.company
        join sale_line as line on line.sale = sale.id and line.type = 'line'
        join party_party as party on party.id = sale.party
        join currency_currency as currency on currency.id = sale.currency
        left join product_product as product on product.id = line.product
        left join product_template as template on template.id = product.template
        left join product_uom as own_unit on own_unit.id = template.default_uom
        left join product_uom as unit on unit.id = line.unit
        left join move on move.sale_line = line.id
        left join invoiced on invoiced.sale_line = line.id
        where sale.state in ('processing', 'done') and line.quantity > 0
    )
select
    order_id,
    line_no,
    account_id,
    product_id,
    order_date,
    requested_date,
    promised_date,
    last_promised_date,
    quantity,
    unit_price,
    currency,
    case when is_cancelled then 'cancelled' when is_over and shipped < quantity then 'closed' else 'open' end as status,
    delivered_date,
    changed_at
from line
where changed_at > :watermark
