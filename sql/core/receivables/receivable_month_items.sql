-- fmt: off
-- grain: month end × item that is open then
-- why: the items of each month end, and with apply_unapplied = oldest_first what is left of them once cash without an
--   invoice is set against them
-- materialise: view
-- columns:
--   snapshot_no             INTEGER
--   period_month            DATE
--   as_of_date              DATE
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
--   credited_amount_doc     DECIMAL(35,4)
--   written_off_amount_doc  DECIMAL(35,4)
--   unapplied_reason        VARCHAR
--   book_rate               DECIMAL(18,10)
--   paid_amount_doc         DECIMAL(38,4)
--   outstanding_amount_doc  DECIMAL(38,4)
-- fmt: on
with
    -- Rates of document dates are looked up once a span, and only open spans that see a month end are spread over
    -- months.
    spread as (
        select
            spans.* exclude (first_snapshot_no, end_snapshot_no),
            book.rate as book_rate,
            snapshots.snapshot_no,
            snapshots.period_month,
            snapshots.as_of_date
        from core.receivable_item_spans as spans
        left join core.daily_rates as book on book.currency = spans.currency and book.rate_date = spans.document_date
        join
            core.receivable_snapshots as snapshots
            on snapshots.snapshot_no >= spans.first_snapshot_no
            and snapshots.snapshot_no < spans.end_snapshot_no
        where spans.outstanding_amount_doc <> 0 and spans.end_snapshot_no > spans.first_snapshot_no
    ),

    -- A refund pays out the credit note that it names: what is left of both at the month end is set against each
    -- other, within
    -- one account and currency.
    refunded as (
        select
            *,
            sum(abs(outstanding_amount_doc)) over (
                partition by snapshot_no, account_id, currency, refunded_credit_id, item_type
                order by document_date, document_id, line_no
                rows unbounded preceding
            )
            - abs(outstanding_amount_doc) as older_doc,
            sum(outstanding_amount_doc) filter (where item_type <> 'credit') over of_credit as refund_doc,
            sum(- outstanding_amount_doc) filter (where item_type = 'credit') over of_credit as credit_doc
        from spread
        where refunded_credit_id is not null
        window of_credit as (partition by snapshot_no, account_id, currency, refunded_credit_id)
    ),

    paid_out as (
        select
            * exclude (older_doc, refund_doc, credit_doc),
            case
                when item_type = 'credit'
                then - greatest(least(coalesce(refund_doc, 0) - older_doc, - outstanding_amount_doc), 0)
                else greatest(least(coalesce(credit_doc, 0) - older_doc, outstanding_amount_doc), 0)
            end as matched_doc
        from refunded
    ),

    items as (
        select * exclude (refunded_credit_id)
        from spread
        where refunded_credit_id is null
        union all
        select
            * exclude (refunded_credit_id, matched_doc) replace (
                paid_amount_doc + matched_doc as paid_amount_doc,
                outstanding_amount_doc - matched_doc as outstanding_amount_doc
            )
        from paid_out
        where outstanding_amount_doc <> matched_doc
    ),

    -- With apply_unapplied = oldest_first, cash without an invoice is set against the oldest due items of its
    -- account and currency, the oldest cash first. This is a view at the month end: nothing is settled by it.
    cash_owners as (
        select distinct snapshot_no, account_id, currency
        from items
        where
            item_type = 'unapplied_cash'
            and outstanding_amount_doc < 0
            and (select apply_unapplied from build.settings) = 'oldest_first'
    ),

    matchable as (
        select
            items.*,
            outstanding_amount_doc < 0 as is_cash,
            sum(abs(outstanding_amount_doc)) over (
                partition by snapshot_no, account_id, currency, outstanding_amount_doc < 0
                order by due_date, document_date, item_type, document_id, line_no, instalment_no
                rows unbounded preceding
            )
            - abs(outstanding_amount_doc) as older_doc,
            sum(greatest(outstanding_amount_doc, 0)) over (partition by snapshot_no, account_id, currency) as owed_doc,
            sum(greatest(- outstanding_amount_doc, 0)) over (partition by snapshot_no, account_id, currency) as cash_doc
        from items
        semi join cash_owners using (snapshot_no, account_id, currency)
        where item_type <> 'credit'
    ),

    matches as (
        select
            snapshot_no,
            item_type,
            document_id,
            line_no,
            instalment_no,
            case
                when is_cash
                then - greatest(least(owed_doc - older_doc, - outstanding_amount_doc), 0)
                else greatest(least(cash_doc - older_doc, outstanding_amount_doc), 0)
            end as matched_doc
        from matchable
    )

select
    items.snapshot_no,
    items.period_month,
    items.as_of_date,
    items.item_type,
    items.document_type,
    items.document_id,
    items.line_no,
    items.instalment_no,
    items.account_id,
    items.account_manager,
    items.document_date,
    items.due_date,
    items.due_date_source,
    items.currency,
    items.disputed,
    items.original_amount_doc,
    items.credited_amount_doc,
    items.written_off_amount_doc,
    items.unapplied_reason,
    items.book_rate,
    items.paid_amount_doc + coalesce(matches.matched_doc, 0) as paid_amount_doc,
    items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) as outstanding_amount_doc
from items
left join matches using (snapshot_no, item_type, document_id, line_no, instalment_no)
where items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) <> 0
