-- fmt: off
-- invariant: The instalments of an invoice add up to its gross amount.
-- finding: The instalments of {n} (invoice|invoices) do not add up to the gross amount
-- if it fails: the difference is put on the last instalment, so its due amount is not the one agreed; correct the
--   instalments in the source.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, instalments_amount_doc, gross_amount_doc
-- needs: invoices
-- fmt: on
with
    gross as (
        select invoice_id, min(invoice_date) as invoice_date, sum(net_amount) + sum(tax_amount) as gross_amount_doc
        from core.invoices
        semi join core.instalments using (invoice_id)
        group by invoice_id
    ),

    of_the_months as (
        select days.period_month, gross.invoice_id, gross.gross_amount_doc
        from gross
        join core.days as days on days.calendar_date = gross.invoice_date
        semi join build.periods as periods on periods.period_month = days.period_month
    ),

    instalments as (select invoice_id, sum(amount) as instalments_amount_doc from core.instalments group by invoice_id)

select of_the_months.period_month, instalments.*, of_the_months.gross_amount_doc
from instalments
join of_the_months using (invoice_id)
where abs(instalments.instalments_amount_doc - of_the_months.gross_amount_doc) >= 0.01
