-- fmt: off
-- grain: month end × open item
-- why: what was open at each month end, in document and reporting currency; ageing, roll-forward and KPIs read this
--   alone, so they cannot disagree. Every row: original − paid − credited − written off = outstanding
-- lines: core.invoices by invoice_id = document_id where figure.item_type <> 'unapplied_cash';
--   core.instalments by invoice_id = document_id, instalment_no where figure.item_type = 'invoice';
--   core.payments by invoice_id = document_id where figure.item_type = 'invoice' and line.payment_date <= figure.as_of_date;
--   core.invoices by reference_invoice_id = document_id where figure.item_type = 'invoice' and line.invoice_date <= figure.as_of_date;
--   core.payments by payment_id = document_id, line_no where figure.item_type = 'unapplied_cash'
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
--   paid_amount_doc         DECIMAL(34,4)
--   credited_amount_doc     DECIMAL(34,4)
--   written_off_amount_doc  DECIMAL(34,4)
--   outstanding_amount_doc  DECIMAL(34,4)
--   unapplied_reason        VARCHAR
--   closing_rate            DECIMAL(18,10)
--   closing_rate_source     VARCHAR
--   outstanding_amount      DECIMAL(32,2)
--   rate_reason             VARCHAR
--   book_amount             DECIMAL(32,2)
--   book_rate_reason        VARCHAR
--   days_overdue            BIGINT
--   age_days                BIGINT
--   bucket_basis            VARCHAR
--   bucket_no               BIGINT
--   bucket                  VARCHAR
-- fmt: on
with
    buckets as (
        select
            list(bucket order by bucket_no) as labels,
            list(upper_days order by bucket_no) filter (where upper_days is not null) as upper_bounds
        from build.bucket_bounds
    ),

    aged as (
        select
            items.*,
            case when items.item_type = 'invoice' then settings.ageing_basis else 'document_date' end as bucket_basis,
            items.as_of_date - items.due_date as days_overdue,
            case
                when items.item_type = 'invoice' and settings.ageing_basis = 'due_date'
                then items.as_of_date - items.due_date
                else items.as_of_date - items.document_date
            end as age_days
        from core.receivable_month_items as items
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
    original_amount_doc::decimal(34, 4) as original_amount_doc,
    paid_amount_doc::decimal(34, 4) as paid_amount_doc,
    credited_amount_doc::decimal(34, 4) as credited_amount_doc,
    written_off_amount_doc::decimal(34, 4) as written_off_amount_doc,
    outstanding_amount_doc::decimal(34, 4) as outstanding_amount_doc,
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
