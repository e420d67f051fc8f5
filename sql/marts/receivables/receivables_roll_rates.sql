-- fmt: off
-- grain: period_month, account_id, from_bucket, to_bucket
-- why: where the money of each ageing bucket went within the month: into which bucket it aged, or whether it was paid, credited or
--   written off. Looks at invoices and debit notes with something open at the end of the month before, both ends at the rate of this
--   month's end
-- method: receivables-roll-rates-1
-- needs: receivables
-- lines: core.receivable_rolls by period_month, account_id, from_bucket, to_bucket sums amount;
--   for from_amount: core.receivable_rolls by period_month, account_id, from_bucket sums from_amount = amount
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_name     VARCHAR
--   account_manager  VARCHAR
--   from_bucket      VARCHAR        Ageing bucket at the end of the month before
--   from_bucket_no   BIGINT         [number; none] Position of that bucket, 0 is current
--   to_bucket        VARCHAR        Ageing bucket at the end of this month, or paid (cash and discounts, less refunds), credited or written_off
--   to_bucket_no     BIGINT         [number; none] Position of to_bucket; paid, credited and written_off come after the buckets
--   from_amount      DECIMAL(32,2)  [reporting currency; none] What the account had in from_bucket at the end of the month before, the same in each of its rows := Σ amount of from_bucket
--   amount           DECIMAL(32,2)  [reporting currency; sum] Part of from_amount that is in to_bucket at the end of this month; negative where a refund opened it again
--   amount_reason    VARCHAR        Why amount is undefined: no rate for the currency, or the feed payments is not declared
--   roll_ratio       DECIMAL(36,6)  [fraction; none] Share of the bucket that went to to_bucket; the shares of a bucket add up to 1. Over several accounts it is the sum of amount of both buckets ÷ the sum of amount of from_bucket := amount ÷ from_amount
--   roll_ratio_reason  VARCHAR
-- fmt: on
with
    records as (
        -- Without payments everything would seem to stay open.
        select undeclared_reason('payments', declared_feeds) as no_payments from build.settings
    ),

    rolled as (
        select
            period_month,
            account_id,
            from_bucket,
            from_bucket_no,
            to_bucket,
            to_bucket_no,
            complete_sum(amount, true) as amount,
            coalesce(any_value(records.no_payments), min(amount_reason)) as amount_reason
        from core.receivable_rolls
        cross join records
        group by period_month, account_id, from_bucket, from_bucket_no, to_bucket, to_bucket_no
    ),

    measured as (
        select
            * exclude (amount),
            case when amount_reason is null then amount end as amount,
            case when count(amount_reason) over bucket = 0 then sum(amount) over bucket end as from_amount,
            min(amount_reason) over bucket as from_reason
        from rolled
        window bucket as (partition by period_month, account_id, from_bucket)
    )

select
    measured.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    shown_ratio(ratio(measured.amount, measured.from_amount)) as roll_ratio,
    coalesce(
        measured.from_reason, case when measured.from_amount = 0 then 'the amounts of the bucket come to 0' end
    ) as roll_ratio_reason
from measured
left join core.accounts as accounts on accounts.account_id = measured.account_id
