-- fmt: off
-- why: sales are not what was invoiced or ordered; a master record or a day of the calendar lost or doubled lines
-- needs: invoices|orders
-- Each basis is compared where a table reads it. As a scalar the question costs nothing where the answer is no.
-- fmt: on
with
    bases as (
        select
            'invoiced' in (actual, forecast_actual) as is_invoiced, 'ordered' in (actual, forecast_actual) as is_ordered
        from build.settings
    ),

    sides as (
        select
            days.period_month,
            'invoice lines of the month = sales' as control,
            invoices.currency,
            invoices.account_id,
            sum(case when document_type = 'credit_note' then - net_amount else net_amount end) as left_amount,
            0 as right_amount
        from core.invoices as invoices
        join core.days as days on days.calendar_date = invoices.invoice_date
        where (select is_invoiced from bases)
        group by all
        union all
        select period_month, 'invoice lines of the month = sales', currency, account_id, 0, sum(amount_doc)
        from core.sales
        where basis = 'invoiced' and (select is_invoiced from bases)
        group by all
        union all
        select
            days.period_month,
            'order lines of the month = sales + cancelled',
            orders.currency,
            orders.account_id,
            sum(line_amount(quantity, unit_price)),
            coalesce(sum(line_amount(quantity, unit_price)) filter (where never_counts(status, cancelled_date)), 0)
        from core.orders as orders
        join core.days as days on days.calendar_date = orders.order_date
        where (select is_ordered from bases)
        group by all
        union all
        select period_month, 'order lines of the month = sales + cancelled', currency, account_id, 0, sum(amount_doc)
        from core.sales
        where basis = 'ordered' and (select is_ordered from bases)
        group by all
    )

select period_month, control, currency, 'account ' || account_id as item, left_amount, right_amount
from sides
semi join build.periods using (period_month)
