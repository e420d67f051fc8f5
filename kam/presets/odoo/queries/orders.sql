-- Confirmed orders with all lines of goods and services, in the unit of the product. Quotations do not count. A cancelled order comes with its lines as
-- cancelled, and so does one that is a quotation again after goods were prepared for it.
-- Left out: notes, down payments, and lines that lessen the order (their amounts are in the invoices).
-- reads: res_company: id
-- reads: res_currency: id, name
-- reads: res_partner: id, name, commercial_partner_id
-- reads: res_users: id, partner_id
-- reads: sale_order: id, name, state, company_id, partner_id, user_id, currency_id, date_order, commitment_date, write_date
-- reads: sale_order_line: id, order_id, display_type, is_downpayment, product_id, product_uom_qty, price_subtotal, customer_lead, write_date
-- reads: stock_move: sale_line_id
-- reads: product_product: id, product_tmpl_id, default_code
-- reads: product_template: id, uom_id, type
-- reads: uom_uom: id, factor
with
    company as (select min(id) as id from res_company),

    units as (
        -- Up to Odoo 18 factor is how many of a unit make one reference unit; later it is the other way round.
        select id, case when to_jsonb(uom_uom) ? 'relative_factor' then factor else 1 / factor end as size
        from uom_uom
    ),

    numbered as (
        select id, case when count(*) over (partition by default_code) = 1 then default_code end as number
        from product_product
    ),

    changed as (
        select id from sale_order where write_date > :watermark
        union
        select order_id from sale_order_line where write_date > :watermark
    ),

    documents as (
        select
            sale_order.*,
            greatest(
                sale_order.write_date,
                (select max(line.write_date) from sale_order_line as line where line.order_id = sale_order.id)
            ) as changed_at
        from sale_order
        join changed on changed.id = sale_order.id
        join company on company.id = sale_order.company_id
        where
            sale_order.state in ('sale', 'done', 'cancel')
            or exists (
                select from stock_move
                join sale_order_line as line on line.id = stock_move.sale_line_id
                where line.order_id = sale_order.id
            )
    )

select
    document.name as order_id,
    line.id as line_no,
    buyer.commercial_partner_id::text as account_id,
    coalesce(nullif(numbered.number, ''), '#' || line.product_id) as product_id,
    document.date_order at time zone 'UTC' as order_date,
    case
        when template.type <> 'service'
        then
            coalesce(document.commitment_date, document.date_order + line.customer_lead * interval '1 day')
            at time zone 'UTC'
    end as promised_date,
    document.commitment_date at time zone 'UTC' as requested_date,
    round(line.product_uom_qty * coalesce(ordered.size / own.size, 1), 4) as quantity,
    round(
        line.price_subtotal / nullif(line.product_uom_qty * coalesce(ordered.size / own.size, 1), 0), 10
    ) as unit_price,
    currency.name as currency,
    case when document.state in ('sale', 'done') then 'open' else 'cancelled' end as status,
    manager.name as account_manager,
    document.changed_at
from documents as document
join sale_order_line as line on line.order_id = document.id
join res_partner as buyer on buyer.id = document.partner_id
join res_currency as currency on currency.id = document.currency_id
left join res_users as salesperson on salesperson.id = document.user_id
left join res_partner as manager on manager.id = salesperson.partner_id
left join product_product as product on product.id = line.product_id
left join product_template as template on template.id = product.product_tmpl_id
left join numbered on numbered.id = line.product_id
left join units as own on own.id = template.uom_id
left join units as ordered
    on ordered.id = coalesce(to_jsonb(line) ->> 'product_uom_id', to_jsonb(line) ->> 'product_uom')::integer
where
    line.display_type is null
    and not coalesce(line.is_downpayment, false)
    and line.product_uom_qty >= 0
    and line.price_subtotal >= 0
order by document.id, line.id
