-- fmt: off
-- grain: month × invoice × instalment settled in it
-- why: how late customers really settle; an item counts in the month at whose end it is settled and no month earlier.
--   The day is the one on which nothing was left, whatever settled it; a day before the due date is not late
-- lines: core.invoices by invoice_id;
--   core.payments by invoice_id where line.payment_date <= figure.settled_date;
--   core.invoices by reference_invoice_id = invoice_id where line.invoice_date <= figure.settled_date
-- columns:
--   period_month     DATE
--   invoice_id       VARCHAR
--   instalment_no    INTEGER
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   currency         VARCHAR
--   amount_doc       DECIMAL(34,4)
--   amount           DECIMAL(32,2)
--   amount_reason    VARCHAR
--   settled_date     DATE
--   days_late        BIGINT
-- fmt: on
with
    bounds as (select min(as_of_date) as first_date from core.receivable_snapshots),

    changes as (
        select
            invoice_id,
            instalment_no,
            due_date,
            valid_from,
            first_snapshot_no,
            amount_doc,
            outstanding_amount_doc,
            coalesce(lag(outstanding_amount_doc) over item, amount_doc) as previous_amount_doc,
            -- A later state of the same month that reopens the item takes the settlement back.
            max(case when outstanding_amount_doc <> 0 then valid_from end) over (
                partition by invoice_id, instalment_no, first_snapshot_no
            ) as last_open_date
        from core.receivable_item_states
        window item as (partition by invoice_id, instalment_no order by valid_from)
    ),

    settled as (
        select changes.*
        from changes
        cross join bounds
        where
            outstanding_amount_doc = 0
            and previous_amount_doc <> 0
            and valid_from > first_date
            and (last_open_date is null or last_open_date < valid_from)
    )

select
    periods.period_month,
    settled.invoice_id,
    settled.instalment_no,
    documents.account_id,
    documents.account_manager,
    documents.currency,
    settled.amount_doc,
    converted(settled.amount_doc, rates.closing_rate) as amount,
    rate_reason(rates.closing_rate, documents.currency) as amount_reason,
    settled.valid_from as settled_date,
    greatest(settled.valid_from - coalesce(settled.due_date, documents.due_date), 0)::bigint as days_late
from settled
join core.receivable_documents as documents using (invoice_id)
join core.receivable_snapshots as snapshots on snapshots.snapshot_no = settled.first_snapshot_no
join build.periods as periods on periods.period_month = snapshots.period_month
left join core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = documents.currency
