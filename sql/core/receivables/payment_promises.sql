-- fmt: off
-- grain: month built × visit with a promise of payment for a day of that month
-- why: whether what was promised arrived between the visit and the promised day. Cash arrives for the account that
--   pays, and for the one whose invoice it pays
-- columns:
--   period_month     DATE
--   visit_id         VARCHAR
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   is_kept          BOOLEAN
-- fmt: on
with
    promises as (
        select
            periods.period_month,
            periods.as_of_date,
            visits.visit_id,
            visits.account_id,
            known(coalesce(visits.account_manager, accounts.account_manager)) as account_manager,
            coalesce(visits.visit_date, visits.planned_date) as made_date,
            visits.promised_payment_date as promised_date,
            visits.promised_payment_amount as amount,
            visits.currency
        from core.visits as visits
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = visits.promised_payment_date
        join core.receivable_periods as periods on periods.closing_no = cutoffs.snapshot_no
        left join core.accounts as accounts on accounts.account_id = visits.account_id
        where
            visits.promised_payment_amount > 0
            and coalesce(visits.visit_date, visits.planned_date) <= periods.as_of_date
    ),

    receipts as (
        select account_id, document_date, currency, amount_doc, document_date as known_from
        from core.receivable_settlements
        where lane = 'received'
        union all
        select invoice_account_id, document_date, currency, amount_doc, applied_from
        from core.receivable_settlements
        where lane = 'received' and applied_from is not null and invoice_account_id <> account_id
    ),

    -- In the currency of the promise, at the rates of the day of the receipt.
    arrived as (
        select
            promises.period_month,
            promises.visit_id,
            sum(
                case
                    when receipts.currency = promises.currency
                    then receipts.amount_doc
                    else ratio(receipts.amount_doc::decimal(38, 4) * paid.rate, promised.rate)::decimal(28, 6)
                end
            ) as amount
        from promises
        join
            receipts
            on receipts.account_id = promises.account_id
            and receipts.document_date between promises.made_date and promises.promised_date
            and receipts.known_from <= promises.as_of_date
        left join
            core.daily_rates as paid on paid.currency = receipts.currency and paid.rate_date = receipts.document_date
        left join
            core.daily_rates as promised
            on promised.currency = promises.currency
            and promised.rate_date = receipts.document_date
        group by promises.period_month, promises.visit_id
    )

select
    promises.period_month,
    promises.visit_id,
    promises.account_id,
    promises.account_manager,
    coalesce(arrived.amount, 0) >= promises.amount as is_kept
from promises
left join arrived using (period_month, visit_id)
