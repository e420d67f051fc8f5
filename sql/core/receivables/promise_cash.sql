-- fmt: off
-- grain: chain of promises × receipt that may fill some of it
-- why: cash arrives for the account that pays, where that has promised something, else for the one whose invoice it pays. A receipt
--   counts from the day on which it is known to be the account's, so that a month end knows the first of them
-- columns:
--   chain_no       INTEGER
--   receipt_no     INTEGER
--   document_date  DATE
--   known_from     DATE
--   currency       VARCHAR
--   amount_doc     DECIMAL(36,6)
--   rate           DECIMAL(18,10)
-- fmt: on
with
    chains as (
        select
            chain_no,
            any_value(account_id) as account_id,
            any_value(chain_first_date) as first_date,
            any_value(chain_last_date) as last_date
        from core.promise_chains
        group by chain_no
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
            core.promise_chains as promises
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
    )

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
