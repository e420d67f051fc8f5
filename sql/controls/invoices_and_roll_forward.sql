-- fmt: off
-- why: an invoice of the month is missing from the balance, or is in it twice
-- needs: receivables
-- fmt: on
with
    days as (
        select days.calendar_date, periods.period_month
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
        join core.days as days on days.calendar_date > before.as_of_date and days.calendar_date <= periods.as_of_date
    ),

    lines as (
        select days.period_month, invoices.currency, invoices.account_id, sum(net_amount) + sum(tax_amount) as amount
        from core.invoices as invoices
        join days on days.calendar_date = invoices.invoice_date
        where invoices.document_type <> 'credit_note'
        group by all
    )

select
    period_month,
    'invoices of the month = roll-forward, invoiced' as control,
    currency,
    'account ' || account_id as item,
    amount as left_amount,
    0 as right_amount
from lines
union all
select
    period_month,
    'invoices of the month = roll-forward, invoiced',
    currency,
    'account ' || account_id,
    0,
    invoiced_amount_doc
from build.receivables_rollforward
