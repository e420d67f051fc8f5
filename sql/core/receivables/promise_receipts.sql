-- fmt: off
-- grain: promise of payment × receipt that fills some of it, or that has no rate to say so
-- why: each amount of cash fills one promise, the oldest first: receipts from the day of the promise to the promised day.
--   Cash arrives for the account that pays, where that has promised something, else for the one whose invoice it pays.
--   Promises whose days overlap form a chain, and only these are filled one after the other. A receipt counts from the day
--   on which it is known to be the account's, so that a month end knows the first of them
-- columns:
--   visit_id      VARCHAR
--   known_from    DATE
--   amount_doc    DECIMAL(36,6)
--   amount        DECIMAL(38,8)
--   amount_reason VARCHAR
--   rate_reason   VARCHAR
-- fmt: on
with recursive
    visits as (
        select
            visits.visit_id,
            visits.account_id,
            visits.currency,
            coalesce(visits.visit_date, visits.planned_date) as promised_on,
            visits.promised_payment_date as promised_date,
            visits.promised_payment_amount as amount,
            -- Of promises of one day for one day the least comes first.
            row_number() over (
                partition by visits.account_id
                order by
                    coalesce(visits.visit_date, visits.planned_date),
                    visits.promised_payment_date,
                    visits.promised_payment_amount * coalesce(rates.rate, 1),
                    visits.visit_id
            ) as promise_no
        from core.visits as visits
        left join
            core.daily_rates as rates
            on rates.currency = visits.currency
            and rates.rate_date = coalesce(visits.visit_date, visits.planned_date)
        where visits.promised_payment_amount > 0 and visits.promised_payment_date is not null
    ),

    linked as (
        select
            *,
            coalesce(
                promised_on > max(greatest(promised_on, promised_date)) over (
                    partition by account_id order by promise_no rows between unbounded preceding and 1 preceding
                ),
                true
            ) as is_first
        from visits
    ),

    numbered as (
        select
            *, count_if(is_first) over (order by account_id, promise_no rows unbounded preceding)::integer as chain_no
        from linked
    ),

    -- Chains that ended before the first month built are of no use.
    chains as (
        select
            chain_no,
            any_value(account_id) as account_id,
            min(promised_on) as first_date,
            max(greatest(promised_on, promised_date)) as last_date
        from numbered
        group by chain_no
        having
            max(promised_date) > (
                select min(before.as_of_date)
                from build.periods as periods
                join core.months as before on before.month_index = periods.month_index - 1
            )
    ),

    promises as materialized(
        select
            numbered.chain_no,
            row_number() over (partition by numbered.chain_no order by numbered.promise_no)::integer as step_no,
            numbered.visit_id,
            numbered.currency,
            numbered.promised_on,
            numbered.promised_date,
            numbered.amount
        from numbered
        semi join chains on chains.chain_no = numbered.chain_no
    ),

    received as (
        select document_id, line_no, account_id, invoice_account_id, document_date, applied_from, currency, amount_doc
        from core.receivable_settlements
        where lane = 'received' and document_date >= (select min(first_date) from chains)
    ),

    own as (
        select received.*, chains.chain_no, received.document_date as known_from
        from received
        asof join chains on chains.account_id = received.account_id and chains.first_date <= received.document_date
        where received.document_date <= chains.last_date
    ),

    -- Within a chain there may be days without a promise; cash of these days is for the invoice's account.
    kept_own as (
        select own.*
        from own
        semi join
            promises
            on promises.chain_no = own.chain_no
            and own.document_date between promises.promised_on and promises.promised_date
    ),

    of_others as (
        select received.*, chains.chain_no, received.applied_from as known_from
        from received
        anti join kept_own on kept_own.document_id = received.document_id and kept_own.line_no = received.line_no
        asof join
            chains on chains.account_id = received.invoice_account_id and chains.first_date <= received.document_date
        where
            received.applied_from is not null
            and received.invoice_account_id <> received.account_id
            and received.document_date <= chains.last_date
    ),

    receipts as materialized(
        select
            cash.chain_no,
            row_number() over (
                partition by cash.chain_no order by cash.known_from, cash.document_date, cash.document_id, cash.line_no
            )::integer as receipt_no,
            cash.document_date,
            cash.known_from,
            cash.currency,
            cash.amount_doc::decimal(36, 6) as amount_doc,
            rates.rate
        from
            (
                from kept_own
                union all
                from of_others
            ) as cash
        left join core.daily_rates as rates on rates.currency = cash.currency and rates.rate_date = cash.document_date
    ),

    -- What a unit of the receipt's currency is in that of the promise, on the day of the receipt; of other currencies
    -- only.
    exchange as materialized(
        select receipts.chain_no, receipts.receipt_no, wanted.currency, ratio(receipts.rate, rates.rate) as factor
        from receipts
        join
            (select distinct chain_no, currency from promises) as wanted
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
        from receipts
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
                                    promises
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
