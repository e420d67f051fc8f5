-- fmt: off
-- grain: month × account × manager × currency × lane
-- why: the ledger's side of the roll-forward, from documents and payments by date, without open items. A settlement
--   counts where it is: with its payer until the invoice is known, with the invoice from then on, its excess with the
--   payer again
-- lines: core.receivable_documents by account_id, account_manager, currency where figure.lane = 'invoiced' and (figure.period_month,
--     line.document_date) in (select (period_month, calendar_date) from core.days);
--   core.receivable_settlements by lane where figure.account_id in (line.account_id, line.invoice_account_id) and (figure.period_month,
--     line.document_date) in (select (period_month, calendar_date) from core.days)
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   currency         VARCHAR
--   lane             VARCHAR
--   amount_doc       DECIMAL(34,4)
--   amount           DECIMAL(32,2)
--   amount_reason    VARCHAR
--   known_amount     DECIMAL(32,2)
-- fmt: on
with
    bounds as (select min(as_of_date) as first_date, max(as_of_date) as last_date from core.receivable_snapshots),

    moves as (
        select
            document_date as move_date,
            account_id,
            account_manager,
            currency,
            'invoiced' as lane,
            gross_amount_doc as amount_doc
        from core.receivable_documents
        union all
        -- Arrives: at once where it belongs, if what it names is known by then or never will be.
        select
            document_date,
            case when applied_from = document_date then invoice_account_id else account_id end,
            case when applied_from = document_date then invoice_account_manager else account_manager end,
            case when known_from = document_date then currency else currency_before end,
            lane,
            amount_doc
        from core.receivable_settlements
        union all
        -- Leaves the payer when the invoice that it names becomes known …
        select known_from, account_id, account_manager, currency_before, lane, - amount_doc
        from core.receivable_settlements
        where known_from > document_date
        union all
        -- … and comes in where the invoice is.
        select
            known_from,
            case when applied_from is null then account_id else invoice_account_id end,
            case when applied_from is null then account_manager else invoice_account_manager end,
            currency,
            lane,
            amount_doc
        from core.receivable_settlements
        where known_from > document_date
    ),

    excess as (
        select *
        from core.receivable_excess
        where (account_id, account_manager) <> (invoice_account_id, invoice_account_manager)
    ),

    excess_moves as (
        select valid_from as move_date, account_id, account_manager, currency, lane, excess_amount_doc as amount_doc
        from excess
        union all
        select valid_from, invoice_account_id, invoice_account_manager, currency, lane, - excess_amount_doc
        from excess
        union all
        select valid_to, account_id, account_manager, currency, lane, - excess_amount_doc
        from excess
        where valid_to is not null
        union all
        select valid_to, invoice_account_id, invoice_account_manager, currency, lane, excess_amount_doc
        from excess
        where valid_to is not null
    ),

    in_range as (
        select moves.*
        from
            (
                select *
                from moves
                union all
                select *
                from excess_moves
            ) as moves
        cross join bounds
        where moves.move_date > bounds.first_date and moves.move_date <= bounds.last_date
    ),

    valued as (
        select cutoffs.snapshot_no, in_range.*, converted(in_range.amount_doc, rates.rate) as amount
        from in_range
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = in_range.move_date
        left join
            core.daily_rates as rates on rates.currency = in_range.currency and rates.rate_date = in_range.move_date
    )

select
    periods.period_month,
    valued.account_id,
    valued.account_manager,
    valued.currency,
    valued.lane,
    sum(valued.amount_doc)::decimal(34, 4) as amount_doc,
    complete_sum(valued.amount, true)::decimal(32, 2) as amount,
    case
        when count(*) > count(valued.amount) then no_rate(valued.currency) || ' at a document date'
    end as amount_reason,
    sum(valued.amount)::decimal(32, 2) as known_amount
from valued
join core.receivable_snapshots as snapshots using (snapshot_no)
join build.periods as periods on periods.period_month = snapshots.period_month
group by periods.period_month, valued.account_id, valued.account_manager, valued.currency, valued.lane
