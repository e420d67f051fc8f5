-- fmt: off
-- grain: payment of the batch that breaks a rule about its invoice      from: batch, core.invoices
-- why: the header of each invoice that a payment names; its columns agree across lines by a rule of its own
-- fmt: on
with
    invoices as (
        select invoice_id, min(account_id) as invoice_account_id, min(currency) as invoice_currency
        from core.invoices
        semi join batch using (invoice_id)
        group by invoice_id
    )

select batch.*, invoices.invoice_account_id, invoices.invoice_currency
from batch
join invoices using (invoice_id)
where {{ is_broken }}
