-- fmt: off
-- grain: period_month, account_manager
-- why: the key-account managers as known at the close: those of the accounts, and those that documents, visits and plans name
-- method: account-managers-1
-- lines: core.accounts where known(line.account_manager) = figure.account_manager sums account_count = 1, key_account_count = key_account
-- columns:
--   period_month       DATE
--   account_manager    VARCHAR  here: The key-account manager; unknown for what has none
--   account_count      BIGINT   [count; last in time] Accounts in the master that the manager has
--   key_account_count  BIGINT   [count; last in time] Key accounts among them
-- fmt: on
with
    names as (
        select periods.period_month, keys.account_manager
        from core.feed_managers as keys
        join build.periods as periods on keys.first_date <= greatest(periods.as_of_date, periods.period_month)
        union
        select period_month, known(null)
        from build.periods
    ),

    counted as (
        select
            known(account_manager) as account_manager, count(*) as account_count, count_if(key_account) as key_accounts
        from core.accounts
        group by all
    )

select
    names.period_month,
    names.account_manager,
    coalesce(counted.account_count, 0) as account_count,
    coalesce(counted.key_accounts, 0) as key_account_count
from names
left join counted on counted.account_manager = names.account_manager
