-- fmt: off
-- grain: month built × level × account or manager
-- why: the measures added up by account, by manager and in total. A sum that lacks an amount is NULL with a reason; of
--   amounts at the rates of document dates it is the sum of the rest, and a check names the documents before the first rate. `level_no` numbers the rows, so that they are found without comparing texts that may be NULL
-- columns:
--   level_no              BIGINT
--   period_month          DATE
--   level                 VARCHAR
--   account_id            VARCHAR
--   account_manager       VARCHAR
--   closing_amount        DECIMAL(32,2)
--   closing_reason        VARCHAR
--   current_amount        DECIMAL(32,2)
--   overdue_amount        DECIMAL(32,2)
--   unapplied_amount      DECIMAL(32,2)
--   unapplied_reason      VARCHAR
--   loss_amount           DECIMAL(32,2)
--   loss_reason           VARCHAR
--   opening_amount        DECIMAL(32,2)
--   opening_reason        VARCHAR
--   expected_amount       DECIMAL(32,2)
--   expected_reason       VARCHAR
--   received_amount       DECIMAL(32,2)
--   received_reason       VARCHAR
--   written_off_amount    DECIMAL(32,2)
--   written_off_reason    VARCHAR
--   billed_amount         DECIMAL(32,2)
--   billed_reason         VARCHAR
--   window_billed_amount  DECIMAL(32,2)
--   window_billed_reason  VARCHAR
--   settled_amount        DECIMAL(32,2)
--   settled_amount_days   DECIMAL(38,2)
--   settled_reason        VARCHAR
--   open_order_amount     DECIMAL(32,2)
--   open_order_reason     VARCHAR
--   limit_count           BIGINT
--   limit_amount          DECIMAL(32,2)
--   limit_reason          VARCHAR
--   promise_count         BIGINT
--   kept_promise_count    BIGINT
-- fmt: on
with
    measures as (
        select period_month, account_id, account_manager, measure, amount, reason
        from core.receivable_measures
        union all by name
        -- The total has a row in a month without anything.
        select period_month
        from build.periods
    ),

    -- Measure by measure first: that leaves few rows to pick the measures from.
    added_up as (
        select
            period_month,
            level_name(grouping(account_id), grouping(account_manager)) as level,
            account_id,
            account_manager,
            measure,
            sum(amount) as amount,
            min(reason) as reason,
            count(*) as row_count
        from measures
        group by period_month, measure, grouping sets ((account_id), (account_manager), ())
        having
            (grouping(account_id) = 1 or account_id is not null)
            and (grouping(account_manager) = 1 or account_manager is not null)
    ),

    sums as (
        select
            period_month,
            level,
            account_id,
            account_manager,
            reasoned_sum(amount, reason, measure = 'closing') as closing_amount,
            min(reason) filter (where measure = 'closing') as closing_reason,
            reasoned_sum(amount, reason, measure = 'current') as current_amount,
            reasoned_sum(amount, reason, measure = 'overdue') as overdue_amount,
            reasoned_sum(amount, reason, measure = 'unapplied') as unapplied_amount,
            min(reason) filter (where measure = 'unapplied') as unapplied_reason,
            reasoned_sum(amount, reason, measure = 'loss') as loss_amount,
            min(reason) filter (where measure = 'loss') as loss_reason,
            reasoned_sum(amount, reason, measure = 'opening') as opening_amount,
            min(reason) filter (where measure = 'opening') as opening_reason,
            known_sum(amount, reason, measure = 'expected') as expected_amount,
            min(reason) filter (where measure = 'expected' and amount is null) as expected_reason,
            known_sum(amount, reason, measure = 'received') as received_amount,
            min(reason) filter (where measure = 'received' and amount is null) as received_reason,
            known_sum(amount, reason, measure = 'written_off') as written_off_amount,
            min(reason) filter (where measure = 'written_off' and amount is null) as written_off_reason,
            known_sum(amount, reason, measure = 'billed') as billed_amount,
            min(reason) filter (where measure = 'billed' and amount is null) as billed_reason,
            known_sum(amount, reason, measure = 'window_billed') as window_billed_amount,
            min(reason) filter (where measure = 'window_billed' and amount is null) as window_billed_reason,
            reasoned_sum(amount, reason, measure = 'settled') as settled_amount,
            reasoned_sum(amount, reason, measure = 'settled_days') as settled_amount_days,
            min(reason) filter (where measure = 'settled') as settled_reason,
            reasoned_sum(amount, reason, measure = 'open_orders') as open_order_amount,
            min(reason) filter (where measure = 'open_orders') as open_order_reason,
            coalesce(sum(row_count) filter (where measure = 'credit_limit'), 0) as limit_count,
            reasoned_sum(amount, reason, measure = 'credit_limit') as limit_amount,
            min(reason) filter (where measure = 'credit_limit') as limit_reason,
            coalesce(sum(row_count) filter (where measure = 'promise'), 0) as promise_count,
            coalesce(sum(amount) filter (where measure = 'promise'), 0) as kept_promise_count
        from added_up
        group by period_month, level, account_id, account_manager
    )

select
    row_number() over (order by period_month, level, account_id, account_manager) as level_no,
    period_month,
    level,
    account_id,
    account_manager,
    money_round(closing_amount) as closing_amount,
    closing_reason,
    money_round(current_amount) as current_amount,
    money_round(overdue_amount) as overdue_amount,
    money_round(unapplied_amount) as unapplied_amount,
    unapplied_reason,
    money_round(loss_amount) as loss_amount,
    loss_reason,
    money_round(opening_amount) as opening_amount,
    opening_reason,
    money_round(expected_amount) as expected_amount,
    expected_reason,
    money_round(received_amount) as received_amount,
    received_reason,
    money_round(written_off_amount) as written_off_amount,
    written_off_reason,
    money_round(billed_amount) as billed_amount,
    billed_reason,
    money_round(window_billed_amount) as window_billed_amount,
    window_billed_reason,
    money_round(settled_amount) as settled_amount,
    settled_amount_days::decimal(38, 2) as settled_amount_days,
    settled_reason,
    money_round(open_order_amount) as open_order_amount,
    open_order_reason,
    limit_count::bigint as limit_count,
    case when limit_count > 0 then money_round(limit_amount) end as limit_amount,
    limit_reason,
    promise_count::bigint as promise_count,
    kept_promise_count::bigint as kept_promise_count
from sums
