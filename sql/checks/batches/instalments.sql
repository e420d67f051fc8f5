-- fmt: off
-- grain: instalment of the months to build      from: core.instalments, core.invoices
-- why: an instalment belongs to the month of its invoice; without one, to the month it falls due
-- fmt: on
select instalments.*, days.period_month
from core.instalments as instalments
left join
    (
        select invoice_id, min(invoice_date) as invoice_date
        from core.invoices
        semi join core.instalments using (invoice_id)
        group by invoice_id
    ) as invoices using (invoice_id)
join core.days as days on days.calendar_date = coalesce(invoices.invoice_date, instalments.due_date)
semi join build.periods as periods on periods.period_month = days.period_month
