-- fmt: off
-- grain: month built × visit with a promise of payment for a day of that month
-- why: whether what was promised arrived between the visit and the promised day. Cash arrives for the account that
--   pays, else for the one whose invoice it pays; what kept one promise is not there for the next
-- columns:
--   period_month     DATE
--   visit_id         VARCHAR
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   is_kept          BOOLEAN
-- fmt: on
with recursive
    promises as (
        select
            cutoffs.month_index,
            months.as_of_date,
            visits.visit_id,
            visits.account_id,
            known(coalesce(visits.account_manager, accounts.account_manager)) as account_manager,
            coalesce(visits.visit_date, visits.planned_date) as made_date,
            visits.promised_payment_date as promised_date,
            visits.promised_payment_amount as amount,
            visits.currency,
            row_number() over (
                partition by visits.account_id, visits.currency
                order by visits.promised_payment_date, coalesce(visits.visit_date, visits.planned_date), visits.visit_id
            ) as promise_no
        from core.visits as visits
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = visits.promised_payment_date
        join core.months as months on months.month_index = cutoffs.month_index
        left join core.accounts as accounts on accounts.account_id = visits.account_id
        where
            visits.promised_payment_amount > 0
            and coalesce(visits.visit_date, visits.planned_date) <= months.as_of_date
            and cutoffs.month_index <= (select max(month_index) from build.periods)
    ),

    receipts as (
        select account_id, document_date, currency, amount_doc, document_date as known_from
        from core.receivable_settlements
        where lane = 'received'
        union all
        -- What the payer promised itself is not there for the account that it pays for.
        select settlements.invoice_account_id, document_date, currency, amount_doc, applied_from
        from core.receivable_settlements as settlements
        anti join
            promises
            on promises.account_id = settlements.account_id
            and settlements.document_date between promises.made_date and promises.promised_date
        where lane = 'received' and applied_from is not null and invoice_account_id <> settlements.account_id
    ),

    -- In the currency of the promises, at the rates of the day of the receipt.
    arrived as (
        select
            pools.account_id,
            pools.currency,
            receipts.document_date,
            receipts.known_from,
            case
                when receipts.currency = pools.currency
                then receipts.amount_doc
                else ratio(receipts.amount_doc::decimal(38, 4) * paid.rate, promised.rate)
            end::decimal(36, 6) as amount
        from (select distinct account_id, currency from promises) as pools
        join receipts using (account_id)
        left join
            core.daily_rates as paid on paid.currency = receipts.currency and paid.rate_date = receipts.document_date
        left join
            core.daily_rates as promised
            on promised.currency = pools.currency
            and promised.rate_date = receipts.document_date
    ),

    money as (
        select
            account_id,
            currency,
            list(
                {'document_date':document_date, 'known_from':known_from, 'amount':amount}
                order by document_date, known_from, amount
            ) as receipts
        from arrived
        where amount is not null
        group by account_id, currency
    ),

    -- Promise by promise in the order of their days: one that is kept takes its amount, the oldest money first.
    kept as (
        select account_id, currency, 0::bigint as promise_no, null::varchar as visit_id, false as is_kept, receipts
        from money
        union all
        select
            judged.account_id,
            judged.currency,
            judged.promise_no,
            judged.visit_id,
            judged.is_kept,
            [
                {
                    'document_date':receipt.document_date,
                    'known_from':receipt.known_from,
                    'amount': (
                        case
                            when
                                judged.is_kept
                                and receipt.document_date between judged.made_date and judged.promised_date
                                and receipt.known_from <= judged.as_of_date
                            then
                                receipt.amount - least(
                                    receipt.amount,
                                    greatest(
                                        judged.amount - coalesce(
                                            list_sum(
                                                [
                                                    earlier.amount for earlier,
                                                    place in judged.receipts
                                                    if place < position
                                                    and earlier.document_date
                                                    between judged.made_date and judged.promised_date
                                                    and earlier.known_from <= judged.as_of_date
                                                ]
                                            ),
                                            0
                                        ),
                                        0
                                    )
                                )
                            else receipt.amount
                        end
                    )::decimal(36, 6)
                } for receipt,
                position in judged.receipts
            ]
        from
            (
                select
                    promises.*,
                    kept.receipts,
                    coalesce(
                        list_sum(
                            [
                                receipt.amount for receipt in kept.receipts
                                if receipt.document_date between promises.made_date and promises.promised_date
                                and receipt.known_from <= promises.as_of_date
                            ]
                        ),
                        0
                    )
                    >= promises.amount as is_kept
                from kept
                join
                    promises
                    on promises.account_id = kept.account_id
                    and promises.currency = kept.currency
                    and promises.promise_no = kept.promise_no + 1
            ) as judged
    )

select
    periods.period_month,
    promises.visit_id,
    promises.account_id,
    promises.account_manager,
    coalesce(kept.is_kept, false) as is_kept
from promises
join build.periods as periods using (month_index)
left join kept using (account_id, currency, promise_no)
