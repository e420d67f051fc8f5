-- fmt: off
-- why: money keeps more promises than it can pay; a receipt counts twice
-- needs: visits, payments
-- What was received beyond the receipts is the difference. Half a cent of each promise and of each receipt is rounding.
-- Receipts are those that an account paid, and those for its invoices.
-- fmt: on
with
    promised as (
        select
            promises.period_month,
            any_value(periods.as_of_date) as as_of_date,
            promises.account_id,
            min(promises.promised_on) as first_date,
            sum(promises.received_amount) as received_amount,
            count(*) as promise_count
        from build.promises as promises
        join build.periods as periods on periods.period_month = promises.period_month
        where promises.received_amount > 0
        group by promises.period_month, promises.account_id
    ),

    receipts as (
        select document_date, account_id, invoice_account_id, applied_from, converted(amount_doc, rates.rate) as amount
        from core.receivable_settlements as settlements
        left join
            core.daily_rates as rates
            on rates.currency = settlements.currency
            and rates.rate_date = settlements.document_date
        where settlements.lane = 'received'
    ),

    of_accounts as (
        select account_id, document_date, document_date as known_from, amount
        from receipts
        union all
        select invoice_account_id, document_date, applied_from, amount
        from receipts
        where invoice_account_id <> account_id
    ),

    arrived as (
        select promised.period_month, promised.account_id, sum(of_accounts.amount) as amount, count(*) as receipt_count
        from promised
        join
            of_accounts
            on of_accounts.account_id = promised.account_id
            and of_accounts.document_date >= promised.first_date
            and of_accounts.known_from <= promised.as_of_date
        group by promised.period_month, promised.account_id
    )

select
    promised.period_month,
    'received for promises, at most the receipts' as control,
    '' as currency,
    'account ' || promised.account_id as item,
    promised.received_amount as left_amount,
    case
        when
            promised.received_amount
            <= coalesce(arrived.amount, 0) + 0.005 * (promised.promise_count + coalesce(arrived.receipt_count, 0))
        then promised.received_amount
        else coalesce(arrived.amount, 0)
    end as right_amount
from promised
left join arrived on arrived.period_month = promised.period_month and arrived.account_id = promised.account_id
