-- The payment schedule of submitted invoices, in the currency of the receivable. Most have one row. A cancelled invoice comes with amount 0.
-- reads: tabCompany: name, creation, default_currency
-- reads: tabSales Invoice: name, docstatus, company, currency, party_account_currency, is_return, modified
-- reads: tabPayment Schedule: parent, parenttype, idx, due_date, payment_amount, base_payment_amount
with
    company as (select name, default_currency from `tabCompany` order by creation, name limit 1)

select
    invoice.name as invoice_id,
    part.idx as instalment_no,
    part.due_date,
    case
        when invoice.docstatus = 2 then 0
        when coalesce(invoice.party_account_currency, company.default_currency) = invoice.currency
        then round(part.payment_amount, 4)
        else round(part.base_payment_amount, 4)
    end as amount,
    invoice.modified as changed_at
from `tabSales Invoice` as invoice
join company on company.name = invoice.company
join `tabPayment Schedule` as part on part.parent = invoice.name and part.parenttype = 'Sales Invoice'
where
    invoice.docstatus in (1, 2) and invoice.is_return = 0 and part.payment_amount >= 0 and invoice.modified > :watermark
order by invoice.name, part.idx
