-- fmt: off
-- grain: promise of payment × receipt that fills some of it, or that has no rate to say so
-- why: each amount of cash fills one promise, the oldest first: receipts from the day of the promise to the promised day.
--   A receipt counts from the day on which it is known to be the account's, so that a month end knows the first of them
-- lines: core.visits by visit_id;
--   core.payments where line.payment_date = figure.known_from and line.account_id = (select visits.account_id from core.visits as visits
--     where visits.visit_id = figure.visit_id)
-- columns:
--   visit_id      VARCHAR
--   known_from    DATE
--   amount_doc    DECIMAL(36,6)
--   amount        DECIMAL(38,8)
--   amount_reason VARCHAR
--   rate_reason   VARCHAR
-- fmt: on
with recursive
    -- What a unit of the receipt's currency is in that of the promise, on the day of the receipt; of other currencies
    -- only.
    exchange as materialized(
        select receipts.chain_no, receipts.receipt_no, wanted.currency, ratio(receipts.rate, rates.rate) as factor
        from core.promise_cash as receipts
        join
            (select distinct chain_no, currency from core.promise_chains) as wanted
            on wanted.chain_no = receipts.chain_no
            and wanted.currency <> receipts.currency
        left join
            core.daily_rates as rates on rates.currency = wanted.currency and rates.rate_date = receipts.document_date
    ),

    filled as (
        select
            chain_no,
            receipt_no,
            document_date,
            known_from,
            currency,
            rate,
            amount_doc as left_doc,
            0::integer as step_no,
            null::varchar as visit_id,
            0::decimal(36, 6) as taken_doc,
            0::decimal(36, 6) as used_doc,
            false as lacks_rate
        from core.promise_cash
        union all
        select
            chain_no,
            receipt_no,
            document_date,
            known_from,
            currency,
            rate,
            (left_doc - used_doc)::decimal(36, 6),
            step_no,
            visit_id,
            taken_doc,
            used_doc,
            lacks_rate
        from
            (
                select
                    *,
                    case
                        when taken_doc = 0
                        then 0
                        when taken_doc = value_doc
                        then left_doc
                        else coalesce(ratio(taken_doc, factor), 0)
                    end::decimal(36, 6) as used_doc
                from
                    (
                        select
                            *,
                            least(
                                greatest(
                                    amount - coalesce(
                                        sum(value_doc) over (
                                            partition by chain_no
                                            order by receipt_no
                                            rows between unbounded preceding and 1 preceding
                                        ),
                                        0
                                    ),
                                    0
                                ),
                                value_doc
                            )::decimal(36, 6) as taken_doc
                        from
                            (
                                select
                                    filled.* exclude (step_no, visit_id, taken_doc, used_doc, lacks_rate),
                                    promises.step_no,
                                    promises.visit_id,
                                    promises.amount,
                                    case
                                        when filled.currency = promises.currency then 1 else exchange.factor
                                    end as factor,
                                    filled.document_date <= promises.promised_date
                                    and filled.currency <> promises.currency
                                    and exchange.factor is null as lacks_rate,
                                    case
                                        when filled.document_date > promises.promised_date
                                        then 0
                                        when filled.currency = promises.currency
                                        then filled.left_doc
                                        else coalesce(filled.left_doc::double * exchange.factor, 0)
                                    end::decimal(36, 6) as value_doc
                                from filled
                                join
                                    core.promise_chains as promises
                                    on promises.chain_no = filled.chain_no
                                    and promises.step_no = filled.step_no + 1
                                left join
                                    exchange
                                    on exchange.chain_no = filled.chain_no
                                    and exchange.receipt_no = filled.receipt_no
                                    and exchange.currency = promises.currency
                                -- Later promises are not filled by it either.
                                where filled.document_date >= promises.promised_on and filled.left_doc > 0
                            )
                    )
            )
    )

select
    visit_id,
    known_from,
    taken_doc as amount_doc,
    at_rate(used_doc, rate) as amount,
    case when taken_doc > 0 then rate_reason(rate, currency) end as amount_reason,
    case when lacks_rate then no_rate(currency) end as rate_reason
from filled
where taken_doc > 0 or lacks_rate
