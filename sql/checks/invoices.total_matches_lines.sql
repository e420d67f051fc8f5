-- fmt: off
-- invariant: The lines of a document add up to the total that the document states.
-- finding: The lines of {n} (document do not add up to its total|documents do not add up to their totals)
-- if it fails: a line is missing, doubled or was rejected, so sales and balance of the account are wrong; see `kam
--   rejects --feed invoices`, load the whole document and close again.
-- severity: critical
-- owner: Accounts receivable
-- keys: invoice_id, lines_amount_doc, invoice_total
-- fmt: on
with
    lines as (
        select invoices.invoice_id, days.period_month
        from core.invoices as invoices
        join core.days as days on days.calendar_date = invoices.invoice_date
        semi join build.periods as periods on periods.period_month = days.period_month
        where invoices.invoice_total is not null
    ),

    documents as (
        select invoice_id, sum(net_amount) + sum(tax_amount) as lines_amount_doc, max(invoice_total) as invoice_total
        from core.invoices
        semi join lines using (invoice_id)
        group by invoice_id
        having abs(lines_amount_doc - max(invoice_total)) >= 0.01
    )

select distinct lines.period_month, documents.*
from documents
join lines using (invoice_id)
