-- fmt: off
-- grain: month built × visit with a promise of payment, made by the month's end for a day of the month or later
-- why: whether what was promised has arrived by the month's end. The key figures count those promised for a day of the month
-- columns:
--   period_month             DATE
--   visit_id                 VARCHAR
--   account_id               VARCHAR
--   account_manager          VARCHAR
--   promised_on              DATE
--   promised_payment_date    DATE
--   currency                 VARCHAR
--   promised_amount_doc      DECIMAL(18,4)
--   promised_amount          DECIMAL(32,2)
--   promised_amount_reason   VARCHAR
--   received_amount_doc      DECIMAL(34,4)
--   received_amount          DECIMAL(32,2)
--   received_amount_reason   VARCHAR
--   is_due                   BOOLEAN
--   is_kept                  BOOLEAN
--   kept_reason              VARCHAR
-- fmt: on
with
    promises as (
        select
            periods.period_month,
            periods.as_of_date,
            visits.visit_id,
            visits.account_id,
            visits.account_manager,
            coalesce(visits.visit_date, visits.planned_date) as promised_on,
            visits.promised_payment_date,
            visits.currency,
            visits.promised_payment_amount
        from core.visits as visits
        join build.periods as periods on coalesce(visits.visit_date, visits.planned_date) <= periods.as_of_date
        join
            core.months as before
            on before.month_index = periods.month_index - 1
            and visits.promised_payment_date > before.as_of_date
        where visits.promised_payment_amount > 0
    ),

    received as (
        select
            promises.period_month,
            promises.visit_id,
            sum(receipts.amount_doc) as amount_doc,
            complete_sum(receipts.amount, receipts.amount_doc > 0) as amount,
            min(receipts.amount_reason) as amount_reason,
            min(receipts.rate_reason) as rate_reason
        from promises
        join
            core.promise_receipts as receipts
            on receipts.visit_id = promises.visit_id
            and receipts.known_from <= promises.as_of_date
        group by promises.period_month, promises.visit_id
    )

select
    promises.period_month,
    promises.visit_id,
    promises.account_id,
    known(coalesce(promises.account_manager, accounts.account_manager)) as account_manager,
    promises.promised_on,
    promises.promised_payment_date,
    promises.currency,
    promises.promised_payment_amount as promised_amount_doc,
    converted(promises.promised_payment_amount, rates.rate) as promised_amount,
    rate_reason(rates.rate, promises.currency) as promised_amount_reason,
    coalesce(received.amount_doc, 0)::decimal(34, 4) as received_amount_doc,
    case when received.visit_id is null then 0 else to_cents(received.amount) end::decimal(32, 2) as received_amount,
    case
        when received.visit_id is not null and received.amount is null then received.amount_reason
    end as received_amount_reason,
    promises.promised_payment_date <= promises.as_of_date as is_due,
    coalesce(received.amount_doc, 0) >= promises.promised_payment_amount as is_kept,
    -- A receipt that cannot be compared may have kept it.
    case when not is_kept then received.rate_reason end as kept_reason
from promises
left join received on received.period_month = promises.period_month and received.visit_id = promises.visit_id
left join core.accounts as accounts on accounts.account_id = promises.account_id
left join core.daily_rates as rates on rates.currency = promises.currency and rates.rate_date = promises.promised_on
