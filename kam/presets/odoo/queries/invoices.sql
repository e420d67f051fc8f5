-- Posted invoices and credit notes with all lines, in the unit of the product. Drafts do not count. What was posted and is a draft again, or cancelled, comes with one
-- line of amount 0. The date is that of the ledger. Line 0 holds what rounding adds to the lines, so that lines add up to the amount due.
-- reads: res_company: id
-- reads: res_currency: id, name
-- reads: res_partner: id, name
-- reads: res_users: id, partner_id
-- reads: account_move: id, name, state, move_type, company_id, commercial_partner_id, date, invoice_date_due, currency_id, amount_total, reversed_entry_id, payment_state, invoice_user_id, posted_before, write_date
-- reads: account_move_line: id, move_id, display_type, product_id, product_uom_id, quantity, price_subtotal, price_total, write_date
-- reads: account_partial_reconcile: debit_move_id, credit_move_id
-- reads: sale_order_line_invoice_rel: invoice_line_id, order_line_id
-- reads: sale_order: id, name
-- reads: sale_order_line: id, order_id
-- reads: product_product: id, product_tmpl_id, default_code
-- reads: product_template: id, uom_id
-- reads: uom_uom: id, factor
with
    company as (select min(id) as id from res_company),

    units as (
        select id, case when to_jsonb(uom_uom) ? 'relative_factor' then factor else 1 / factor end as size
        from uom_uom
    ),

    numbered as (
        select id, case when count(*) over (partition by default_code) = 1 then default_code end as number
        from product_product
    ),

    changed as (
        select id from account_move where write_date > :watermark
        union
        select move_id from account_move_line where write_date > :watermark
    ),

    documents as (
        select
            move.*,
            greatest(
                move.write_date,
                (select max(line.write_date) from account_move_line as line where line.move_id = move.id)
            ) as changed_at
        from account_move as move
        join changed on changed.id = move.id
        join company on company.id = move.company_id
        where
            move.move_type in ('out_invoice', 'out_refund', 'out_receipt')
            and (move.state = 'posted' or move.posted_before)
            and move.name is not null
            and move.name <> '/'
    ),

    lines as (
        select
            document.id as move_id,
            line.id as line_no,
            coalesce(nullif(numbered.number, ''), '#' || line.product_id) as product_id,
            orders.name as order_id,
            order_line.id as order_line_no,
            round(line.quantity * coalesce(invoiced.size / own.size, 1), 4) as quantity,
            line.price_subtotal as net_amount,
            line.price_total - line.price_subtotal as tax_amount
        from documents as document
        join account_move_line as line on line.move_id = document.id and line.display_type = 'product'
        left join product_product as product on product.id = line.product_id
        left join product_template as template on template.id = product.product_tmpl_id
        left join numbered on numbered.id = line.product_id
        left join units as own on own.id = template.uom_id
        left join units as invoiced on invoiced.id = line.product_uom_id
        left join
            (
                select invoice_line_id, min(order_line_id) as order_line_id
                from sale_order_line_invoice_rel
                group by invoice_line_id
            ) as relation
            on relation.invoice_line_id = line.id
        left join sale_order_line as order_line on order_line.id = relation.order_line_id
        left join sale_order as orders on orders.id = order_line.order_id
        where document.state = 'posted'

        union all

        select document.id, 0, null, null, null, null, 0, document.amount_total - coalesce(sum(line.price_total), 0)
        from documents as document
        left join account_move_line as line on line.move_id = document.id and line.display_type = 'product'
        where document.state = 'posted'
        group by document.id, document.amount_total
        having document.amount_total <> coalesce(sum(line.price_total), 0)

        union all

        select document.id, 0, null, null, null, null, 0, 0
        from documents as document
        where document.state <> 'posted'
    ),

    settled as (
        -- The invoice that a credit note was matched with, if it is one.
        select credit.move_id, min(debit.move_id) as invoice_id
        from account_partial_reconcile as partial
        join account_move_line as credit on credit.id = partial.credit_move_id
        join account_move_line as debit on debit.id = partial.debit_move_id
        join documents as document on document.id = credit.move_id and document.move_type = 'out_refund'
        join account_move as invoice on invoice.id = debit.move_id and invoice.move_type in ('out_invoice', 'out_receipt')
        group by credit.move_id
        having count(distinct debit.move_id) = 1
    )

select
    document.name as invoice_id,
    line.line_no,
    case when document.move_type = 'out_refund' then 'credit_note' else 'invoice' end as document_type,
    document.commercial_partner_id::text as account_id,
    line.product_id,
    line.order_id,
    line.order_line_no,
    document.date as invoice_date,
    document.invoice_date_due as due_date,
    line.quantity,
    line.net_amount,
    line.tax_amount,
    currency.name as currency,
    corrected.name as reference_invoice_id,
    case when document.state = 'posted' then document.amount_total else 0 end as invoice_total,
    coalesce(document.payment_state = 'blocked', false) as disputed,
    manager.name as account_manager,
    document.changed_at
from documents as document
join lines as line on line.move_id = document.id
join res_currency as currency on currency.id = document.currency_id
left join settled on settled.move_id = document.id
left join account_move as corrected
    on corrected.id = coalesce(settled.invoice_id, document.reversed_entry_id)
    and document.move_type = 'out_refund'
left join res_users as salesperson on salesperson.id = document.invoice_user_id
left join res_partner as manager on manager.id = salesperson.partner_id
order by document.id, line.line_no
