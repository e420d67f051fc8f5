-- fmt: off
-- grain: month built × account × manager × measure; several rows where a measure has several parts
-- why: all that the key figures add up, in one shape: an amount in the reporting currency, or a reason why there is none.
--   The expected loss is not rounded yet, so all amounts have room for its digits.
--   An account without rows of a measure has none of it, which is zero and not unknown
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   measure          VARCHAR
--   amount           DECIMAL(38,8)
--   reason           VARCHAR
-- fmt: on
with
    parts as (
        select
            period_month,
            account_id,
            account_manager,
            'closing' as measure,
            closing_amount as amount,
            closing_reason as reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'current', current_amount, closing_reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'overdue', overdue_amount, closing_reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'unapplied', unapplied_amount, unapplied_reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'loss', loss_amount, loss_reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'opening', opening_amount, opening_reason
        from core.receivable_balances
        union all
        select period_month, account_id, account_manager, 'expected', amount, reason
        from core.receivable_expected_receipts
        union all
        select
            period_month,
            account_id,
            account_manager,
            lane,
            known_amount,
            case when known_amount is null then amount_reason end
        from core.receivable_movements
        where lane in ('received', 'written_off')
        union all
        select
            periods.period_month,
            billing.account_id,
            billing.account_manager,
            'window_billed',
            billing.amount,
            billing.reason
        from core.receivable_billing as billing
        join
            core.receivable_periods as periods
            on billing.month_index between periods.first_window_index and periods.month_index
        union all
        select
            periods.period_month, billing.account_id, billing.account_manager, 'billed', billing.amount, billing.reason
        from core.receivable_billing as billing
        join core.receivable_periods as periods using (month_index)
        union all
        select period_month, account_id, account_manager, 'settled', amount, amount_reason
        from core.receivable_settled_items
        union all
        select
            period_month,
            account_id,
            account_manager,
            'settled_days',
            (amount * days_late)::decimal(32, 2),
            amount_reason
        from core.receivable_settled_items
        union all
        select period_month, account_id, account_manager, 'open_orders', amount, amount_reason
        from core.open_order_values
        union all
        -- The sum of these is how many were kept, their number how many were made.
        select period_month, account_id, account_manager, 'promise', is_kept::integer, null
        from core.payment_promises
        where is_due
    )

select period_month, account_id, account_manager, measure, amount, reason
from parts
union all
select
    active.period_month,
    accounts.account_id,
    known(accounts.account_manager),
    'credit_limit',
    converted(accounts.credit_limit, rates.closing_rate),
    rate_reason(rates.closing_rate, accounts.currency)
from (select distinct period_month, account_id from parts) as active
join core.accounts as accounts on accounts.account_id = active.account_id and accounts.credit_limit is not null
left join core.month_rates as rates on rates.period_month = active.period_month and rates.currency = accounts.currency
