-- Submitted invoices and returns (credit notes) with all lines, in the stock unit of the item and the currency of the receivable. Drafts do not count. A cancelled
-- invoice comes with one line of amount 0. Line 0 holds the taxes and what rounding adds, so that lines add up to the amount due.
-- reads: tabCompany: name, creation, default_currency
-- reads: tabSales Invoice: name, docstatus, company, customer, posting_date, due_date, currency, party_account_currency, is_return, return_against, grand_total, base_grand_total, rounded_total, base_rounded_total, modified
-- reads: tabSales Invoice Item: parent, idx, item_code, stock_qty, net_amount, base_net_amount, sales_order, so_detail
-- reads: tabSales Order Item: name, idx
with
    company as (select name, default_currency from `tabCompany` order by creation, name limit 1),

    documents as (
        select
            invoice.name,
            invoice.docstatus,
            invoice.customer,
            invoice.posting_date,
            invoice.due_date,
            invoice.is_return,
            invoice.return_against,
            invoice.modified,
            coalesce(invoice.party_account_currency, company.default_currency) as currency,
            -- The receivable is in the currency of its account: that of the invoice, or that of the company.
            coalesce(invoice.party_account_currency, company.default_currency) = invoice.currency as is_own,
            case when invoice.is_return = 1 then -1 else 1 end as sign,
            case
                when coalesce(invoice.party_account_currency, company.default_currency) = invoice.currency
                then coalesce(nullif(invoice.rounded_total, 0), invoice.grand_total)
                else coalesce(nullif(invoice.base_rounded_total, 0), invoice.base_grand_total)
            end as total
        from `tabSales Invoice` as invoice
        join company on company.name = invoice.company
        where invoice.docstatus in (1, 2) and invoice.modified > :watermark
    ),

    items as (
        select
            document.name,
            line.idx as line_no,
            line.item_code as product_id,
            line.sales_order as order_id,
            ordered.idx as order_line_no,
            document.sign * line.stock_qty as quantity,
            document.sign * case when document.is_own then line.net_amount else line.base_net_amount end as net_amount
        from documents as document
        join `tabSales Invoice Item` as line on line.parent = document.name
        left join `tabSales Order Item` as ordered on ordered.name = line.so_detail
        where document.docstatus = 1
    ),

    all_lines as (
        select name, line_no, product_id, order_id, order_line_no, quantity, net_amount, 0 as tax_amount from items

        union all

        select
            document.name, 0, null, null, null, null, 0,
            document.sign * document.total - coalesce((select sum(items.net_amount) from items where items.name = document.name), 0)
        from documents as document
        where
            document.docstatus = 1
            and document.sign * document.total
            <> coalesce((select sum(items.net_amount) from items where items.name = document.name), 0)

        union all

        select name, 0, null, null, null, null, 0, 0 from documents where docstatus = 2
    )

select
    document.name as invoice_id,
    line.line_no,
    case when document.is_return = 1 then 'credit_note' else 'invoice' end as document_type,
    document.customer as account_id,
    line.product_id,
    line.order_id,
    line.order_line_no,
    document.posting_date as invoice_date,
    document.due_date,
    round(line.quantity, 4) as quantity,
    round(line.net_amount, 4) as net_amount,
    round(line.tax_amount, 4) as tax_amount,
    document.currency,
    document.return_against as reference_invoice_id,
    case when document.docstatus = 1 then round(document.sign * document.total, 4) else 0 end as invoice_total,
    document.modified as changed_at
from documents as document
join all_lines as line on line.name = document.name
order by document.name, line.line_no
