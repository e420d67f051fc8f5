-- fmt: off
-- grain: invoice × instalment, invoices with instalments only
-- why: the parts add up to the invoice; the last takes a difference, and one before it what the last cannot
-- columns:
--   invoice_id     VARCHAR
--   instalment_no  INTEGER
--   due_date       DATE
--   amount_doc     DECIMAL(34,4)
-- fmt: on
with
    listed as (
        select
            instalments.invoice_id,
            instalments.instalment_no,
            instalments.due_date,
            instalments.amount,
            documents.gross_amount_doc,
            coalesce(sum(instalments.amount) over earlier, 0) as earlier_amount,
            lead(instalments.instalment_no) over (
                partition by instalments.invoice_id order by instalments.instalment_no
            )
            is null as is_last
        from core.instalments as instalments
        join core.receivable_documents as documents using (invoice_id)
        window
            earlier as (
                partition by instalments.invoice_id
                order by instalments.instalment_no
                rows between unbounded preceding and 1 preceding
            )
    ),

    bounded as (select *, greatest(gross_amount_doc - earlier_amount, 0) as remaining_amount from listed)

select
    invoice_id,
    instalment_no,
    due_date,
    case when is_last then remaining_amount else least(amount, remaining_amount) end::decimal(34, 4) as amount_doc
from bounded
