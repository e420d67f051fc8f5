-- fmt: off
-- invariant: No invoice is paid more than it amounts to.
-- finding: {n} (invoice is|invoices are) paid more than (it amounts|they amount) to
-- if it fails: the excess is unapplied cash of the account; refund it, or find the invoice it was meant for.
-- severity: warning
-- owner: Accounts receivable
-- keys: invoice_id, paid_amount_doc, gross_amount_doc
-- needs: invoices
-- fmt: on
with
    settled as (
        select payments.invoice_id
        from core.payments as payments
        join core.days as days on days.calendar_date = payments.payment_date
        semi join build.periods as periods on periods.period_month = days.period_month
        where payments.invoice_id is not null
    ),

    gross as (
        select invoice_id, min(currency) as currency, sum(net_amount) + sum(tax_amount) as gross_amount_doc
        from core.invoices
        semi join settled using (invoice_id)
        where document_type <> 'credit_note'
        group by invoice_id
    ),

    -- Only these few can have been above the invoice in some month, before a refund took the excess back.
    suspects as (
        select gross.*
        from gross
        join
            (
                select invoice_id, sum(amount) as paid_amount_doc
                from core.payments
                where payment_type <> 'refund'
                group by invoice_id
            ) as paid using (invoice_id)
        where paid.paid_amount_doc > gross.gross_amount_doc
    ),

    -- A payment in another currency is not applied.
    by_month as (
        select
            suspects.invoice_id,
            suspects.gross_amount_doc,
            days.period_month,
            sum(case when payments.payment_type = 'refund' then - payments.amount else payments.amount end) as amount
        from suspects
        join
            core.payments as payments
            on payments.invoice_id = suspects.invoice_id
            and coalesce(payments.currency, suspects.currency) = suspects.currency
        join core.days as days on days.calendar_date = payments.payment_date
        group by all
    ),

    cumulated as (
        select
            period_month,
            invoice_id,
            gross_amount_doc,
            sum(amount) over (partition by invoice_id order by period_month) as paid_amount_doc
        from by_month
    )

select cumulated.*
from cumulated
semi join build.periods as periods on periods.period_month = cumulated.period_month
where paid_amount_doc > gross_amount_doc
