-- fmt: off
-- grain: invoice with instalments × instalment × state of the invoice
-- why: how the totals of a state fall on the instalments: cash, then write-offs, then credit notes, each on the named
--   instalment first, then on the earliest due
-- materialise: view
-- columns:
--   invoice_id         VARCHAR
--   instalment_no      INTEGER
--   due_date           DATE
--   valid_from         DATE
--   first_snapshot_no  INTEGER
--   end_snapshot_no    INTEGER
--   amount_doc         DECIMAL(34,4)
--   paid_doc           DECIMAL(38,4)
--   written_off_doc    DECIMAL(38,4)
--   credited_doc       DECIMAL(38,4)
-- fmt: on
with
    -- What settlements say of an instalment, as far as the invoice has one of that number.
    named as (
        select
            states.invoice_id,
            states.valid_from,
            instalments.instalment_no,
            sum(
                case
                    settlements.lane
                    when 'written_off'
                    then 0
                    when 'refunded'
                    then - settlements.amount_doc
                    else settlements.amount_doc
                end
            ) as named_cash,
            sum(case settlements.lane when 'written_off' then settlements.amount_doc else 0 end) as named_write_off
        from core.receivable_instalments as instalments
        join core.receivable_settlements as settlements using (invoice_id, instalment_no)
        join
            core.receivable_states as states
            on states.invoice_id = instalments.invoice_id
            and settlements.applied_from <= states.valid_from
        group by all
    ),

    parts as (
        select
            states.*,
            instalments.instalment_no,
            instalments.due_date,
            instalments.amount_doc,
            -- Below zero when more was refunded than came in.
            least(coalesce(named.named_cash, 0), instalments.amount_doc) as own_cash,
            coalesce(named.named_write_off, 0) as named_write_off
        from core.receivable_states as states
        join core.receivable_instalments as instalments using (invoice_id)
        left join named using (invoice_id, valid_from, instalment_no)
    ),

    cash_room as (
        select
            *,
            cash_doc - sum(own_cash) over invoice as free_cash,
            coalesce(sum(amount_doc - own_cash) over due_before, 0) as room_before,
            coalesce(sum(greatest(own_cash, 0)) over due_before, 0) as returnable_before,
            sum(greatest(own_cash, 0)) over invoice as returnable,
            row_number() over (partition by invoice_id, valid_from order by due_date, instalment_no) = 1 as is_first
        from parts
        window
            invoice as (partition by invoice_id, valid_from),
            due_before as (
                partition by invoice_id, valid_from
                order by due_date, instalment_no
                rows between unbounded preceding and 1 preceding
            )
    ),

    paid as (
        select
            *,
            case
                when free_cash >= 0
                then own_cash + greatest(least(free_cash - room_before, amount_doc - own_cash), 0)
                -- Refunds that name no instalment take back from the earliest due; what nobody paid reopens the
                -- first.
                else
                    own_cash
                    - greatest(least(- free_cash - returnable_before, greatest(own_cash, 0)), 0)
                    - case when is_first then greatest(- free_cash - returnable, 0) else 0 end
            end as paid_doc
        from cash_room
    ),

    write_off_room as (select *, least(named_write_off, amount_doc - paid_doc) as own_write_off from paid),

    write_off_free as (
        select
            *,
            written_off_doc - sum(own_write_off) over invoice as free_write_off,
            coalesce(sum(amount_doc - paid_doc - own_write_off) over due_before, 0) as room_before_write_off
        from write_off_room
        window
            invoice as (partition by invoice_id, valid_from),
            due_before as (
                partition by invoice_id, valid_from
                order by due_date, instalment_no
                rows between unbounded preceding and 1 preceding
            )
    ),

    written_off as (
        select
            *,
            own_write_off + greatest(
                least(free_write_off - room_before_write_off, amount_doc - paid_doc - own_write_off), 0
            ) as item_written_off_doc
        from write_off_free
    ),

    credit_room as (
        select
            *,
            amount_doc - paid_doc - item_written_off_doc as room,
            coalesce(
                sum(amount_doc - paid_doc - item_written_off_doc) over (
                    partition by invoice_id, valid_from
                    order by due_date, instalment_no
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as room_before_credit
        from written_off
    )

select
    invoice_id,
    instalment_no,
    due_date,
    valid_from,
    first_snapshot_no,
    end_snapshot_no,
    amount_doc,
    paid_doc,
    item_written_off_doc as written_off_doc,
    greatest(least(credited_doc - room_before_credit, room), 0) as credited_doc
from credit_room
