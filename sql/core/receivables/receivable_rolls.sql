-- fmt: off
-- grain: month built × instalment of an invoice or debit note that was open at the end of the month before × where it went
-- why: what became of each open item within the month, at the rate of its end: still open in a bucket, paid, credited or written off.
--   Parts are rounded as they add up, so that they are the item's amount to the cent and nothing gets a cent of its own
-- lines: core.invoices by invoice_id = document_id;
--   core.payments by invoice_id = document_id where (figure.period_month, line.payment_date) in (select (period_month, calendar_date)
--     from core.days);
--   core.invoices by reference_invoice_id = document_id where (figure.period_month, line.invoice_date) in (select (period_month,
--     calendar_date) from core.days)
-- columns:
--   period_month    DATE
--   account_id      VARCHAR
--   document_id     VARCHAR
--   instalment_no   INTEGER
--   from_bucket_no  BIGINT
--   from_bucket     VARCHAR
--   to_bucket_no    BIGINT
--   to_bucket       VARCHAR
--   amount          DECIMAL(32,2)
--   amount_reason   VARCHAR
-- fmt: on
with
    invoices as (from core.receivable_open_items where item_type = 'invoice'),

    moves as (
        select
            periods.period_month,
            opening.account_id,
            opening.document_id,
            opening.instalment_no,
            opening.currency,
            rates.closing_rate,
            opening.bucket_no as from_bucket_no,
            opening.bucket as from_bucket,
            closing.bucket_no as open_bucket_no,
            closing.bucket as open_bucket,
            opening.outstanding_amount_doc as from_doc,
            coalesce(closing.outstanding_amount_doc, 0) as open_doc,
            states.credited_amount_doc - opening.credited_amount_doc as credited_doc,
            states.written_off_amount_doc - opening.written_off_amount_doc as written_off_doc
        from core.receivable_periods as periods
        join invoices as opening on opening.snapshot_no = periods.opening_no
        -- What was settled is no open item; its state says by what.
        join
            core.receivable_item_states as states
            on states.invoice_id = opening.document_id
            and states.instalment_no = opening.instalment_no
            and states.first_snapshot_no <= periods.closing_no
            and states.end_snapshot_no > periods.closing_no
        left join
            invoices as closing
            on closing.snapshot_no = periods.closing_no
            and closing.document_id = opening.document_id
            and closing.line_no = opening.line_no
            and closing.instalment_no = opening.instalment_no
        left join
            core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = opening.currency
    ),

    bounds as (select max(bucket_no) as last_bucket_no from build.bucket_bounds),

    -- Each part with what the parts before it and itself come to. With apply_unapplied, cash that is set against an
    -- item pays it.
    parts as (
        select
            moves.*,
            unnest(
                [
                    struct_pack(
                        no := open_bucket_no,
                        name := open_bucket,
                        before_doc := 0::decimal(38, 4),
                        up_to_doc := open_doc
                    ),
                    struct_pack(
                        no := last_bucket_no + 1,
                        name := 'paid',
                        before_doc := open_doc,
                        up_to_doc := from_doc - credited_doc - written_off_doc
                    ),
                    struct_pack(
                        no := last_bucket_no + 2,
                        name := 'credited',
                        before_doc := from_doc - credited_doc - written_off_doc,
                        up_to_doc := from_doc - written_off_doc
                    ),
                    struct_pack(
                        no := last_bucket_no + 3,
                        name := 'written_off',
                        before_doc := from_doc - written_off_doc,
                        up_to_doc := from_doc
                    )
                ]
            ) as part
        from moves
        cross join bounds
    )

select
    period_month,
    account_id,
    document_id,
    instalment_no,
    from_bucket_no,
    from_bucket,
    part.no::bigint as to_bucket_no,
    part.name as to_bucket,
    (converted(part.up_to_doc, closing_rate) - converted(part.before_doc, closing_rate))::decimal(32, 2) as amount,
    rate_reason(closing_rate, currency) as amount_reason
from parts
where part.up_to_doc <> part.before_doc
