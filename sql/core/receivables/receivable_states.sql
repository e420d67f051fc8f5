-- fmt: off
-- grain: invoice × day on which its balance changed, from the first month end of core.receivable_snapshots on
-- why: between two such days nothing about an invoice changes, so each state is worked out once, not once a month;
--   days up to the first month end fold into it, and an invoice settled by then and left alone is dropped
-- columns:
--   invoice_id         VARCHAR
--   valid_from         DATE
--   valid_to           DATE
--   first_snapshot_no  INTEGER
--   end_snapshot_no    INTEGER
--   gross_amount_doc   DECIMAL(34,4)
--   cash_doc           DECIMAL(34,4)
--   written_off_doc    DECIMAL(34,4)
--   credited_doc       DECIMAL(34,4)
-- fmt: on
with
    bounds as (select min(as_of_date) as first_date, max(as_of_date) as last_date from core.receivable_snapshots),

    events as (
        select
            invoice_id,
            document_date as event_date,
            gross_amount_doc,
            0::decimal(34, 4) as cash_doc,
            0::decimal(34, 4) as written_off_doc,
            0::decimal(34, 4) as credited_doc
        from core.receivable_documents
        union all
        select
            invoice_id,
            applied_from,
            0,
            case
                when lane in ('received', 'discount') then amount_doc when lane = 'refunded' then - amount_doc else 0
            end,
            case lane when 'written_off' then amount_doc else 0 end,
            case lane when 'credited' then amount_doc else 0 end
        from core.receivable_settlements
        where applied_from is not null
    ),

    -- Invoices that are open at the first month end or change after it.
    living as (
        select invoice_id
        from events
        cross join bounds
        where event_date <= last_date
        group by invoice_id
        having
            sum(gross_amount_doc - cash_doc - written_off_doc - credited_doc) <> 0 or max(event_date) > min(first_date)
    ),

    changes as (
        select
            events.invoice_id,
            greatest(events.event_date, bounds.first_date) as valid_from,
            sum(events.gross_amount_doc) as gross_amount_doc,
            sum(events.cash_doc) as cash_doc,
            sum(events.written_off_doc) as written_off_doc,
            sum(events.credited_doc) as credited_doc
        from events
        semi join living using (invoice_id)
        cross join bounds
        where events.event_date <= bounds.last_date
        group by all
    ),

    known as (
        select changes.*, cutoffs.snapshot_no
        from changes
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = changes.valid_from
    ),

    running as (
        select
            invoice_id,
            valid_from,
            lead(valid_from) over up_to_here as valid_to,
            snapshot_no as first_snapshot_no,
            coalesce(
                lead(snapshot_no) over up_to_here, (select max(snapshot_no) + 1 from core.receivable_snapshots)
            ) as end_snapshot_no,
            (sum(gross_amount_doc) over up_to_here)::decimal(34, 4) as gross_amount_doc,
            (sum(cash_doc) over up_to_here)::decimal(34, 4) as cash_doc,
            (sum(written_off_doc) over up_to_here)::decimal(34, 4) as written_off_doc,
            (sum(credited_doc) over up_to_here)::decimal(34, 4) as credited_doc
        from known
        window up_to_here as (partition by invoice_id order by valid_from rows unbounded preceding)
    )

select
    invoice_id,
    valid_from,
    valid_to,
    first_snapshot_no,
    end_snapshot_no,
    gross_amount_doc,
    cash_doc,
    written_off_doc,
    credited_doc
from running
