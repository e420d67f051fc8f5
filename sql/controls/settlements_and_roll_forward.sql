-- fmt: off
-- why: a payment or credit note of the month is missing from the balance, is in it twice, or is with the wrong account
-- needs: receivables
-- fmt: on
with
    days as (
        select days.calendar_date, periods.period_month
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
        join core.days as days on days.calendar_date > before.as_of_date and days.calendar_date <= periods.as_of_date
    ),

    lanes as (
        select *
        from
            (
                values
                    ('receipt', 'received', 'receipts'),
                    ('discount', 'discount', 'discounts'),
                    ('write_off', 'written_off', 'write-offs'),
                    ('refund', 'refunded', 'refunds'),
                    ('credit_note', 'credited', 'credit notes')
            ) as lanes(document_type, lane, documents)
    ),

    documents as (
        select days.period_month, payments.payment_type as document_type, account_id, currency, sum(amount) as amount
        from core.payments as payments
        join days on days.calendar_date = payments.payment_date
        group by all
        union all
        select days.period_month, document_type, account_id, currency, sum(net_amount) + sum(tax_amount)
        from core.invoices as invoices
        join days on days.calendar_date = invoices.invoice_date
        where invoices.document_type = 'credit_note'
        group by all
    ),

    -- What was paid for another account, or takes the currency of its invoice, moves there on the day it is applied
    -- …
    applied as (
        select
            days.period_month, lane, account_id, currency_before, invoice_account_id, settlements.currency, amount_doc
        from core.receivable_settlements as settlements
        join days on days.calendar_date = settlements.applied_from
        where account_id <> invoice_account_id or currency_before <> settlements.currency
    ),

    -- … and what is more than the invoice moves back, for as many month ends as it is.
    excess as (
        select first_snapshot_no, end_snapshot_no, lane, account_id, invoice_account_id, currency, excess_amount_doc
        from core.receivable_excess
        where account_id <> invoice_account_id and end_snapshot_no > first_snapshot_no
    ),

    excess_changes as (
        select first_snapshot_no as snapshot_no, * exclude (first_snapshot_no, end_snapshot_no)
        from excess
        union all
        select
            end_snapshot_no,
            * exclude (first_snapshot_no, end_snapshot_no) replace (- excess_amount_doc as excess_amount_doc)
        from excess
    ),

    moved as (
        select period_month, lane, account_id, currency_before as currency, - amount_doc as amount
        from applied
        union all
        select period_month, lane, invoice_account_id, currency, amount_doc
        from applied
        union all
        select period_month, lane, account_id, currency, excess_amount_doc
        from excess_changes
        join core.receivable_snapshots using (snapshot_no)
        union all
        select period_month, lane, invoice_account_id, currency, - excess_amount_doc
        from excess_changes
        join core.receivable_snapshots using (snapshot_no)
    ),

    sides as (
        select
            period_month,
            lanes.lane,
            account_id,
            coalesce(currency, settings.reporting_currency) as currency,
            amount as left_amount,
            0 as right_amount
        from documents
        join lanes using (document_type)
        cross join build.settings as settings
        union all
        select period_month, lane, account_id, currency, amount, 0
        from moved
        semi join build.periods using (period_month)
        union all
        select period_month, lane, account_id, currency, 0, amount
        from
            (
                from
                    build.receivables_rollforward unpivot (
                        amount for lane in (
                            received_amount_doc as received,
                            discount_amount_doc as discount,
                            written_off_amount_doc as written_off,
                            refunded_amount_doc as refunded,
                            credited_amount_doc as credited
                        )
                    )
            )
        where amount <> 0
    )

select
    sides.period_month,
    lanes.documents || ' of the month, where they settle = roll-forward, ' || lanes.lane as control,
    sides.currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
join lanes using (lane)
