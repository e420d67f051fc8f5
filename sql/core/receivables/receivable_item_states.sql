-- fmt: off
-- grain: invoice × instalment × state of the invoice
-- why: how the totals of a state fall on the instalments: cash, then write-offs, then credit notes, each on the named
--   instalment first, then on the earliest due. `end_snapshot_no` is the first month end that no longer sees the state
-- columns:
--   invoice_id              VARCHAR
--   instalment_no           INTEGER
--   due_date                DATE
--   valid_from              DATE
--   first_snapshot_no       INTEGER
--   end_snapshot_no         INTEGER
--   amount_doc              DECIMAL(34,4)
--   paid_amount_doc         DECIMAL(34,4)
--   written_off_amount_doc  DECIMAL(34,4)
--   credited_amount_doc     DECIMAL(34,4)
--   outstanding_amount_doc  DECIMAL(34,4)
-- fmt: on
with
    single as (
        select
            states.invoice_id,
            1 as instalment_no,
            null::date as due_date,
            states.valid_from,
            states.first_snapshot_no,
            states.end_snapshot_no,
            states.gross_amount_doc as amount_doc,
            least(states.cash_doc, states.gross_amount_doc) as paid_doc,
            states.written_off_doc as written_off_total,
            states.credited_doc as credited_total
        from core.receivable_states as states
        anti join core.receivable_instalments as instalments using (invoice_id)
    ),

    single_written_off as (select *, least(written_off_total, amount_doc - paid_doc) as written_off_doc from single),

    single_credited as (
        select *, least(credited_total, amount_doc - paid_doc - written_off_doc) as credited_doc from single_written_off
    ),

    items as (
        select
            invoice_id,
            instalment_no,
            due_date,
            valid_from,
            first_snapshot_no,
            end_snapshot_no,
            amount_doc,
            paid_doc,
            written_off_doc,
            credited_doc
        from single_credited
        union all
        select
            invoice_id,
            instalment_no,
            due_date,
            valid_from,
            first_snapshot_no,
            end_snapshot_no,
            amount_doc,
            paid_doc,
            written_off_doc,
            credited_doc
        from core.receivable_instalment_states
    )

select
    invoice_id,
    instalment_no,
    due_date,
    valid_from,
    first_snapshot_no,
    end_snapshot_no,
    amount_doc::decimal(34, 4) as amount_doc,
    paid_doc::decimal(34, 4) as paid_amount_doc,
    written_off_doc::decimal(34, 4) as written_off_amount_doc,
    credited_doc::decimal(34, 4) as credited_amount_doc,
    (amount_doc - paid_doc - written_off_doc - credited_doc)::decimal(34, 4) as outstanding_amount_doc
from items
