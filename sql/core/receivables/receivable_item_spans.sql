-- fmt: off
-- grain: item × span of month ends in which it stays the same
-- why: instalments of invoices, and settlements on their own, in one shape; from `first_snapshot_no` up to, without,
--   `end_snapshot_no`
-- materialise: view
-- columns:
--   first_snapshot_no       INTEGER
--   end_snapshot_no         INTEGER
--   item_type               VARCHAR
--   document_type           VARCHAR
--   document_id             VARCHAR
--   line_no                 INTEGER
--   instalment_no           INTEGER
--   account_id              VARCHAR
--   account_manager         VARCHAR
--   document_date           DATE
--   due_date                DATE
--   due_date_source         VARCHAR
--   currency                VARCHAR
--   disputed                BOOLEAN
--   original_amount_doc     DECIMAL(34,4)
--   paid_amount_doc         DECIMAL(35,4)
--   credited_amount_doc     DECIMAL(35,4)
--   written_off_amount_doc  DECIMAL(35,4)
--   outstanding_amount_doc  DECIMAL(34,4)
--   unapplied_reason        VARCHAR
--   refunded_credit_id      VARCHAR
-- fmt: on
with
    snapshot_end as (select max(snapshot_no) + 1 as end_snapshot_no from core.receivable_snapshots),

    -- A settlement on its own: until the document it names is known, and afterwards when that one cannot take it.
    unapplied as (
        select
            settlements.*,
            seen.snapshot_no as first_snapshot_no,
            coalesce(known.snapshot_no, snapshot_end.end_snapshot_no) as known_snapshot_no,
            snapshot_end.end_snapshot_no
        from core.receivable_settlements as settlements
        join core.receivable_cutoffs as seen on seen.calendar_date = settlements.document_date
        left join core.receivable_cutoffs as known on known.calendar_date = settlements.known_from
        cross join snapshot_end
        where
            seen.snapshot_no is not null
            and (settlements.applied_from is null or settlements.applied_from > settlements.document_date)
    ),

    own_items as (
        select
            first_snapshot_no,
            known_snapshot_no as end_snapshot_no,
            document_id,
            line_no,
            lane,
            invoice_id,
            account_id,
            account_manager,
            document_date,
            disputed,
            amount_doc,
            currency_before as currency,
            amount_doc as open_amount_doc,
            case when invoice_id is null then 'no invoice named' else 'unknown invoice' end as unapplied_reason
        from unapplied
        union all
        select
            greatest(first_snapshot_no, known_snapshot_no),
            end_snapshot_no,
            document_id,
            line_no,
            lane,
            invoice_id,
            account_id,
            account_manager,
            document_date,
            disputed,
            amount_doc,
            currency,
            amount_doc,
            'other currency than the invoice'
        from unapplied
        where applied_from is null
        union all
        select
            first_snapshot_no,
            end_snapshot_no,
            document_id,
            line_no,
            lane,
            null,
            account_id,
            account_manager,
            document_date,
            disputed,
            amount_doc,
            currency,
            excess_amount_doc,
            'more than the invoice'
        from core.receivable_excess
    ),

    -- Credit notes that a refund names, to be set against each other at a month end.
    refunded_credits as (
        select distinct credit_notes.document_id as credit_note_id
        from core.receivable_settlements as refunds
        join core.receivable_settlements as credit_notes on credit_notes.document_id = refunds.invoice_id
        where refunds.lane = 'refunded' and refunds.known_from is null and credit_notes.lane = 'credited'
    )

select
    states.first_snapshot_no,
    states.end_snapshot_no,
    'invoice' as item_type,
    documents.document_type,
    documents.invoice_id as document_id,
    documents.line_no,
    states.instalment_no,
    documents.account_id,
    documents.account_manager,
    documents.document_date,
    coalesce(states.due_date, documents.due_date) as due_date,
    case when states.due_date is null then documents.due_date_source else 'instalment' end as due_date_source,
    documents.currency,
    documents.disputed,
    states.amount_doc as original_amount_doc,
    states.paid_amount_doc,
    states.credited_amount_doc,
    states.written_off_amount_doc,
    states.outstanding_amount_doc,
    null as unapplied_reason,
    null as refunded_credit_id
from core.receivable_item_states as states
join core.receivable_documents as documents using (invoice_id)
union all
select
    first_snapshot_no,
    end_snapshot_no,
    case when lane = 'credited' then 'credit' else 'unapplied_cash' end as item_type,
    case
        lane
        when 'received'
        then 'receipt'
        when 'written_off'
        then 'write_off'
        when 'refunded'
        then 'refund'
        when 'credited'
        then 'credit_note'
        else lane
    end as document_type,
    document_id,
    line_no,
    1 as instalment_no,
    account_id,
    account_manager,
    document_date,
    document_date as due_date,
    'document date' as due_date_source,
    currency,
    disputed,
    case when lane = 'refunded' then amount_doc else - amount_doc end as original_amount_doc,
    case when lane in ('received', 'discount') then open_amount_doc - amount_doc else 0 end as paid_amount_doc,
    case when lane = 'credited' then open_amount_doc - amount_doc else 0 end as credited_amount_doc,
    case when lane = 'written_off' then open_amount_doc - amount_doc else 0 end as written_off_amount_doc,
    case when lane = 'refunded' then open_amount_doc else - open_amount_doc end as outstanding_amount_doc,
    case
        when lane = 'refunded' and refunded_credits.credit_note_id is not null
        then 'more than is left of the credit note'
        else unapplied_reason
    end as unapplied_reason,
    refunded_credits.credit_note_id as refunded_credit_id
from own_items
left join
    refunded_credits
    on refunded_credits.credit_note_id
    = case own_items.lane when 'credited' then own_items.document_id when 'refunded' then own_items.invoice_id end
