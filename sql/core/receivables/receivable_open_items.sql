-- fmt: off
-- grain: month end × open item
-- why: what was open at each month end, in document and reporting currency; ageing, roll-forward and KPIs read this
--   alone, so they cannot disagree. Every row: original − paid − credited − written off = outstanding
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
--   original_amount_doc     DECIMAL(18,4)
--   paid_amount_doc         DECIMAL(18,4)
--   credited_amount_doc     DECIMAL(18,4)
--   written_off_amount_doc  DECIMAL(18,4)
--   outstanding_amount_doc  DECIMAL(18,4)
--   unapplied_reason        VARCHAR
--   closing_rate            DECIMAL(18,10)
--   closing_rate_source     VARCHAR
--   outstanding_amount      DECIMAL(18,2)
--   rate_reason             VARCHAR
--   book_amount             DECIMAL(18,2)
--   book_rate_reason        VARCHAR
--   days_overdue            BIGINT
--   age_days                BIGINT
--   bucket_basis            VARCHAR
--   bucket_no               BIGINT
--   bucket                  VARCHAR
-- fmt: on
with
    invoice_items as (
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
            null as unapplied_reason
        from core.receivable_item_states as states
        join core.receivable_documents as documents using (invoice_id)
    ),

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

    settlement_items as (
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
            unapplied_reason
        from own_items
    ),

    spans as (
        select *
        from invoice_items
        union all
        select *
        from settlement_items
    ),

    -- Rates of document dates are looked up once a span, and only open spans that see a month end are spread over
    -- months.
    items as (
        select
            spans.* exclude (first_snapshot_no, end_snapshot_no),
            book.rate as book_rate,
            snapshots.snapshot_no,
            snapshots.period_month,
            snapshots.as_of_date
        from spans
        left join core.daily_rates as book on book.currency = spans.currency and book.rate_date = spans.document_date
        join
            core.receivable_snapshots as snapshots
            on snapshots.snapshot_no >= spans.first_snapshot_no
            and snapshots.snapshot_no < spans.end_snapshot_no
        where spans.outstanding_amount_doc <> 0 and spans.end_snapshot_no > spans.first_snapshot_no
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
    ),

    settled as (
        select
            items.* exclude (paid_amount_doc, outstanding_amount_doc),
            items.paid_amount_doc + coalesce(matches.matched_doc, 0) as paid_amount_doc,
            items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) as outstanding_amount_doc
        from items
        left join matches using (snapshot_no, item_type, document_id, line_no, instalment_no)
        where items.outstanding_amount_doc - coalesce(matches.matched_doc, 0) <> 0
    ),

    buckets as (
        select
            list(bucket order by bucket_no) as labels,
            list(upper_days order by bucket_no) filter (where upper_days is not null) as upper_bounds
        from build.ageing_buckets
    ),

    aged as (
        select
            settled.*,
            case when settled.item_type = 'invoice' then settings.ageing_basis else 'document_date' end as bucket_basis,
            settled.as_of_date - settled.due_date as days_overdue,
            case
                when settled.item_type = 'invoice' and settings.ageing_basis = 'due_date'
                then settled.as_of_date - settled.due_date
                else settled.as_of_date - settled.document_date
            end as age_days
        from settled
        cross join build.settings as settings
    ),

    valued as (
        select
            aged.*,
            -- As many buckets lie below as have their upper end below the age.
            len(list_filter(buckets.upper_bounds, lambda upper_days:upper_days < aged.age_days)) as bucket_no,
            buckets.labels,
            closing.closing_rate,
            closing.closing_rate_source,
            converted(aged.outstanding_amount_doc, closing.closing_rate) as outstanding_amount,
            converted(aged.outstanding_amount_doc, aged.book_rate) as book_amount
        from aged
        cross join buckets
        left join
            core.month_rates as closing on closing.period_month = aged.period_month and closing.currency = aged.currency
    )

select
    snapshot_no,
    period_month,
    as_of_date,
    item_type,
    document_type,
    document_id,
    line_no,
    instalment_no,
    account_id,
    account_manager,
    document_date,
    due_date,
    due_date_source,
    currency,
    disputed,
    original_amount_doc::decimal(18, 4) as original_amount_doc,
    paid_amount_doc::decimal(18, 4) as paid_amount_doc,
    credited_amount_doc::decimal(18, 4) as credited_amount_doc,
    written_off_amount_doc::decimal(18, 4) as written_off_amount_doc,
    outstanding_amount_doc::decimal(18, 4) as outstanding_amount_doc,
    unapplied_reason,
    closing_rate,
    closing_rate_source,
    outstanding_amount,
    rate_reason(outstanding_amount, currency) as rate_reason,
    book_amount,
    rate_reason(book_amount, currency) || ' at the document date' as book_rate_reason,
    days_overdue::bigint as days_overdue,
    age_days::bigint as age_days,
    bucket_basis,
    bucket_no,
    labels[bucket_no + 1] as bucket
from valued
