-- One row a line of a customer invoice that was posted, in the currency of the invoice. The net amount is what the ledger has for the line.
-- Tryton keeps the tax of a whole document; it is spread over the lines in proportion to their net amounts, and its total is exact.
-- An invoice whose total is below zero is a credit note. The date is that of the ledger. An invoice that was cancelled after it was posted
-- stays, and its cancellation is a credit note of the day of the cancelling move; where a credit note cancels it, that one stands for itself.
-- reads: company_company: id
-- reads: currency_currency: id, code, digits
-- reads: party_party: id, code
-- reads: product_product: id, code, template
-- reads: product_template: id, default_uom
-- reads: product_uom: id, factor
-- reads: account_invoice: id, number, type, state, party, company, currency, account, move, cancel_move, total_amount_cache, tax_amount_cache, create_date, write_date
-- reads: account_invoice_line: id, invoice, type, origin, product, unit, quantity, unit_price, create_date, write_date
-- reads: account_move: id, date, create_date, write_date
-- reads: account_move_line: id, move, account, origin, debit, credit, amount_second_currency, maturity_date, reconciliation, create_date, write_date
-- reads: sale_line: id, sale, quantity
-- reads: sale_sale: id, number
with
    company as (select id from company_company order by id limit 1),
    invoice as (
        select
            invoice.id,
            invoice.number || '#' || invoice.id as document,
            invoice.party,
            invoice.currency,
            invoice.account,
            invoice.move,
            move.date as booked,
            cancelling.date as cancelled,
            invoice.total_amount_cache as total,
            invoice.tax_amount_cache as tax,
            greatest(invoice.create_date, invoice.write_date, move.write_date, cancelling.create_date, cancelling.write_date) as changed_at
        from account_invoice as invoice
        join company on company.id = invoice.company
        join account_move as move on move.id = invoice.move
        left join account_move as cancelling
            on cancelling.id = invoice.cancel_move
            and not exists (select from account_invoice as note where note.move = invoice.cancel_move)
        where invoice.type = 'out' and invoice.state in ('posted', 'paid', 'cancelled') and invoice.number is not null
    ),
    -- What became due, and what a document was set off against.
    receivable as (
        select
            line.move,
            max(line.maturity_date) as due_date,
            max(greatest(line.create_date, line.write_date)) as changed_at,
            min(other.document) filter (where other.id is not null) as set_off_against
        from invoice
        join account_move_line as line on line.move = invoice.move and line.account = invoice.account
        left join account_move_line as partner
            on partner.reconciliation = line.reconciliation and partner.move <> line.move and invoice.total < 0 and partner.debit > 0
        left join invoice as other on other.move = partner.move
        group by line.move
    ),
    ledger as (
        select origin, move, -sum(coalesce(amount_second_currency, debit - credit)) as net
        from account_move_line
        where origin like 'account.invoice.line,%'
        group by origin, move
    ),
    line as (
        select
            invoice.*,
            line.id as line_no,
            line.origin,
            line.product as product_key,
            line.unit as unit_key,
            line.quantity,
            coalesce(ledger.net, round(line.quantity::numeric * line.unit_price, currency.digits)) as net,
            currency.code as currency_code,
            currency.digits
        from invoice
        join account_invoice_line as line on line.invoice = invoice.id and line.type = 'line'
        join currency_currency as currency on currency.id = invoice.currency
        left join ledger on ledger.origin = 'account.invoice.line,' || line.id and ledger.move = invoice.move
    ),
    -- The tax up to a line less the tax up to the line before: what is rounded adds up to the whole.
    share as (
        select
            *,
            sum(net) over (partition by id order by line_no) as net_so_far,
            sum(net) over (partition by id) as net_total,
            row_number() over (partition by id order by line_no) as position
        from line
    ),
    taxed as (
        select
            *,
            case
                when net_total = 0 then case when position = 1 then tax else 0 end
                else
                    round(tax * net_so_far / net_total, digits) - round(tax * (net_so_far - net) / net_total, digits)
            end as line_tax
        from share
    ),
    -- 1 as booked, -1 as cancelled.
    document as (
        select taxed.*, 1 as side, booked as document_date, document as invoice_id from taxed
        union all
        select taxed.*, -1, cancelled, document || '/cancelled' from taxed where cancelled is not null
    )
select
    document.invoice_id,
    document.line_no,
    case
        when document.total * document.side < 0 then 'credit_note'
        when document.side < 0 then 'debit_note'
        else 'invoice'
    end as document_type,
    party.code as account_id,
    case when product.id is not null then coalesce(nullif(product.code, ''), product.id::text) end as product_id,
    sale.number || '#' || sale.id as order_id,
    sale_line.id as order_line_no,
    document.document_date as invoice_date,
    case when document.side > 0 and document.total >= 0 then receivable.due_date end as due_date,
    case
        when product.id is null then null
        when unit.id = own_unit.id then document.quantity::numeric
        else (document.quantity * unit.factor / own_unit.factor)::numeric
    end * case when document.total < 0 then -1 else 1 end as quantity,
    document.net * case when document.total < 0 then -1 else 1 end as net_amount,
    document.line_tax * case when document.total < 0 then -1 else 1 end as tax_amount,
    document.currency_code as currency,
    case
        when document.side < 0 then document.document
        when document.total < 0 then coalesce(receivable.set_off_against, corrected.document)
    end as reference_invoice_id,
    abs(document.total) as invoice_total,
    greatest(document.changed_at, receivable.changed_at) as changed_at
from document
join party_party as party on party.id = document.party
left join receivable on receivable.move = document.move
left join product_product as product on product.id = document.product_key
left join product_template as template on template.id = product.template
left join product_uom as own_unit on own_unit.id = template.default_uom
left join product_uom as unit on unit.id = document.unit_key
-- Sales of returned goods are not in orders.
left join sale_line
    on document.origin like 'sale.line,%'
    and sale_line.id = nullif(split_part(document.origin, ',', 2), '')::integer
    and sale_line.quantity > 0
left join sale_sale as sale on sale.id = sale_line.sale
left join account_invoice_line as corrected_line
    on document.origin like 'account.invoice.line,%' and corrected_line.id = nullif(split_part(document.origin, ',', 2), '')::integer
left join invoice as corrected on corrected.id = corrected_line.invoice
where greatest(document.changed_at, receivable.changed_at) > :watermark
