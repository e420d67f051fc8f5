-- fmt: off
-- grain: period_month, level, account_id, account_manager
-- why: how well open items are collected, by account, by manager and in total. Managers count the documents that name
--   them, else the accounts they own.
-- method: receivables-kpis-1
-- needs: receivables
-- adds up within one: level
-- lines: core.receivable_open_items by period_month where (figure.level <> 'account' or line.account_id = figure.account_id) and
--     (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums closing_amount = outstanding_amount,
--     current_amount = case when item_type = 'invoice' and outstanding_amount_doc > 0 and days_overdue <= 0 then outstanding_amount end,
--     overdue_amount = case when item_type = 'invoice' and outstanding_amount_doc > 0 and days_overdue > 0 then outstanding_amount end,
--     credit_amount = case when not (item_type = 'invoice' and outstanding_amount_doc > 0) then outstanding_amount end, unapplied_cash =
--     case when item_type = 'unapplied_cash' then - outstanding_amount end, expected_credit_loss = case when item_type = 'invoice' and
--     outstanding_amount_doc > 0 then outstanding_amount * (select buckets.loss_rate from build.bucket_bounds as buckets where
--     buckets.bucket_no = line.bucket_no) end;
--   for opening_amount: core.receivable_open_items where line.period_month = (figure.period_month - interval 1 month)::date and
--     (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <> 'account_manager' or line.account_manager =
--     figure.account_manager) sums opening_amount = outstanding_amount;
--   for billed_amount: core.receivable_documents where (figure.period_month, line.document_date) in (select (period_month, calendar_date)
--     from core.days) and (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <> 'account_manager' or
--     line.account_manager = figure.account_manager) sums billed_amount = converted(gross_amount_doc, (select rate from core.daily_rates
--     as rates where rates.currency = line.currency and rates.rate_date = line.document_date));
--   for billed_amount: core.receivable_settlements where line.lane = 'credited' and (figure.period_month, line.document_date) in (select
--     (period_month, calendar_date) from core.days) and (figure.level <> 'account' or line.account_id = figure.account_id) and
--     (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums billed_amount = - converted(amount_doc,
--     (select rate from core.daily_rates as rates where rates.currency = line.currency and rates.rate_date = line.document_date));
--   for window_billed_amount: core.receivable_documents where (figure.period_month, line.document_date) in (select (windows.period_month,
--     days.calendar_date) from core.receivable_periods as windows join core.months as months on months.month_index between
--     windows.first_window_index and windows.month_index join core.days as days on days.period_month = months.period_month) and
--     (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <> 'account_manager' or line.account_manager =
--     figure.account_manager) sums window_billed_amount = converted(gross_amount_doc, (select rate from core.daily_rates as rates where
--     rates.currency = line.currency and rates.rate_date = line.document_date));
--   for window_billed_amount: core.receivable_settlements where line.lane = 'credited' and (figure.period_month, line.document_date) in
--     (select (windows.period_month, days.calendar_date) from core.receivable_periods as windows join core.months as months on
--     months.month_index between windows.first_window_index and windows.month_index join core.days as days on days.period_month =
--     months.period_month) and (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <> 'account_manager'
--     or line.account_manager = figure.account_manager) sums window_billed_amount = - converted(amount_doc, (select rate from
--     core.daily_rates as rates where rates.currency = line.currency and rates.rate_date = line.document_date));
--   for window_days: none because it is the length of [receivables] dso_window_months in days;
--   for settled_amount, settled_amount_days: core.receivable_settled_items by period_month where (figure.level <> 'account' or
--     line.account_id = figure.account_id) and (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums
--     settled_amount = amount, settled_amount_days = amount * days_late;
--   for actual_receipts, written_off: core.receivable_movements by period_month where line.lane in ('received', 'written_off') and
--     (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <> 'account_manager' or line.account_manager =
--     figure.account_manager) sums actual_receipts = case when lane = 'received' then known_amount end, written_off = case when lane =
--     'written_off' then known_amount end;
--   for expected_receipts: core.receivable_expected_receipts by period_month where (figure.level <> 'account' or line.account_id =
--     figure.account_id) and (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums expected_receipts
--     = amount;
--   for credit_limit, credit_breach_count: core.accounts where figure.level = 'total' or line.account_id = figure.account_id or
--     (figure.level = 'account_manager' and known(line.account_manager) = figure.account_manager);
--   for exposure: core.receivable_open_items by period_month where (figure.level <> 'account' or line.account_id = figure.account_id) and
--     (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums exposure = outstanding_amount;
--   for exposure: core.open_order_values by period_month where (select credit_exposure from build.settings) =
--     'outstanding_and_open_orders' and (figure.level <> 'account' or line.account_id = figure.account_id) and (figure.level <>
--     'account_manager' or line.account_manager = figure.account_manager) sums exposure = amount;
--   for promises_made, promises_kept: core.payment_promises by period_month where line.is_due and (figure.level <> 'account' or
--     line.account_id = figure.account_id) and (figure.level <> 'account_manager' or line.account_manager = figure.account_manager) sums
--     promises_made = 1, promises_kept = is_kept
-- columns:
--   period_month                           DATE
--   level                                  VARCHAR        What the row adds up: account, account_manager or total; rows of several levels count the same items again
--   account_id                             VARCHAR        here: The customer account; NULL above account level
--   account_name                           VARCHAR        here: Name of the account; NULL above account level
--   account_manager                        VARCHAR        here: The manager; at account level the account's; NULL for the total
--   opening_amount                         DECIMAL(32,2)  [reporting currency; first in time] Open at the end of the month before, as known now
--   opening_amount_reason                  VARCHAR
--   billed_amount                          DECIMAL(32,2)  [reporting currency; sum] Billed in the month less credit notes, tax included, at the rate of the document date
--   billed_amount_reason                   VARCHAR
--   window_billed_amount                   DECIMAL(32,2)  [reporting currency; last in time] Billed less credit notes over the DSO window, which ends with the month
--   window_billed_amount_reason            VARCHAR
--   window_days                            BIGINT         [days; none] Days in the DSO window
--   closing_amount                         DECIMAL(32,2)
--   closing_amount_reason                  VARCHAR        Why closing_amount, current_amount, overdue_amount and credit_amount are undefined
--   current_amount                         DECIMAL(32,2)  [reporting currency; last in time] Of closing_amount, what invoices owe that is not overdue
--   overdue_amount                         DECIMAL(32,2)  [reporting currency; last in time; less is better] Of closing_amount, what invoices owe that is overdue; credits do not lessen it
--   credit_amount                          DECIMAL(32,2)  [reporting currency; last in time] Of closing_amount, credit notes, cash and refunds that no invoice took, mostly below zero := closing_amount − current_amount − overdue_amount
--   dso_days                               DECIMAL(32,2)  [days; ratio of closing_amount * window_days ÷ window_billed_amount; less is better] Days sales outstanding := closing_amount ÷ window_billed_amount × window_days source: Credit Research Foundation
--   dso_days_reason                        VARCHAR
--   dso_countback_days                     DECIMAL(18,2)  [days; none; less is better] Days of the latest billing that make up the balance: whole months backwards, the last pro rata
--   dso_countback_days_reason              VARCHAR
--   best_possible_dso_days                 DECIMAL(32,2)  [days; ratio of current_amount * window_days ÷ window_billed_amount; less is better] DSO if nothing were overdue := current_amount ÷ window_billed_amount × window_days source: Credit Research Foundation
--   best_possible_dso_days_reason          VARCHAR
--   average_days_delinquent                DECIMAL(32,2)  [days; ratio of (closing_amount - current_amount) * window_days ÷ window_billed_amount; less is better] Days of DSO that come from late payment, less those that credits make up := dso_days − best_possible_dso_days source: Credit Research Foundation
--   average_days_delinquent_reason         VARCHAR
--   settled_amount                         DECIMAL(32,2)  [reporting currency; sum] Original amount of the items settled in the month, at the closing rate
--   settled_amount_days                    DECIMAL(32,2)  [money times days; sum; less is better] Of these, each amount times its days late; early is 0
--   weighted_days_late                     DECIMAL(32,2)  [days; ratio of settled_amount_days ÷ settled_amount; less is better] Days late of the items settled in the month; early is 0 := Σ amount × days late ÷ Σ amount
--   weighted_days_late_reason              VARCHAR
--   collection_effectiveness_ratio         DECIMAL(36,6)  [fraction; ratio of (opening_amount + billed_amount - closing_amount) ÷ (opening_amount + billed_amount - current_amount); more is better] Share collected of what could be := (opening + billed − closing) ÷ (opening + billed − current) source: Credit Research Foundation
--   collection_effectiveness_ratio_reason  VARCHAR
--   overdue_ratio                          DECIMAL(18,6)  [fraction; ratio of overdue_amount ÷ (current_amount + overdue_amount); less is better] Share overdue of what invoices owe := overdue ÷ (current + overdue)
--   overdue_ratio_reason                   VARCHAR
--   expected_receipts                      DECIMAL(32,2)  [reporting currency; sum] Due by the month end: open at the opening, or billed in the month; the payment plan where an account has one. What stays unpaid is expected again in the next month
--   expected_receipts_reason               VARCHAR
--   actual_receipts                        DECIMAL(32,2)  [reporting currency; sum; more is better] Receipts of the month, at the rate of their date; discounts and refunds not counted
--   actual_receipts_reason                 VARCHAR
--   collection_ratio                       DECIMAL(36,6)  [fraction; ratio of actual_receipts ÷ expected_receipts; more is better] Share of the expected receipts that were received
--   collection_ratio_reason                VARCHAR
--   credit_limit                           DECIMAL(32,2)  [reporting currency; last in time] Credit limit at the closing rate; above account level the sum over accounts that have one
--   credit_limit_reason                    VARCHAR
--   exposure                               DECIMAL(32,2)  [reporting currency; last in time] closing_amount, and undelivered open orders where the settings say so
--   exposure_reason                        VARCHAR
--   credit_use_ratio                       DECIMAL(36,6)  [fraction; none; less is better] Share of the limit in use, by account only := exposure ÷ credit_limit
--   credit_use_ratio_reason                VARCHAR
--   credit_breach                          BOOLEAN        Whether exposure is above the limit; above account level: for any account
--   credit_breach_reason                   VARCHAR
--   credit_breach_count                    BIGINT         [count; last in time; less is better] Accounts whose exposure is above their limit; NULL where no exposure is known, as credit_breach_reason says
--   written_off                            DECIMAL(32,2)  [reporting currency; sum; less is better] Write-offs of the month, at the rate of their date
--   written_off_reason                     VARCHAR
--   unapplied_cash                         DECIMAL(32,2)  [reporting currency; last in time; less is better] Cash not applied to an invoice at the month end, as a positive figure, less refunds without an invoice
--   unapplied_cash_reason                  VARCHAR
--   expected_credit_loss                   DECIMAL(32,2)  [reporting currency; last in time; less is better] Loss to expect on what invoices owe; a credit does not lessen it := Σ bucket × loss rate source: IFRS 9 B5.5.35, provision matrix
--   expected_credit_loss_reason            VARCHAR
--   promises_made                          BIGINT         [count; sum] Promises of payment in the visit log for a day of the month; NULL where promise_kept_ratio_reason says that no feed has them
--   promises_kept                          BIGINT         [count; sum; more is better] Of these, the ones for which at least the amount arrived between visit and promised day; money counts for one promise only
--   promise_kept_ratio                     DECIMAL(18,6)  [fraction; ratio of promises_kept ÷ promises_made; more is better] Share of the promises that were kept
--   promise_kept_ratio_reason              VARCHAR
-- fmt: on
with
    measured as (
        select
            levels.*,
            periods.window_days,
            coalesce(
                levels.closing_reason,
                levels.window_billed_reason,
                case
                    when levels.window_billed_amount = 0
                    then 'no billing in the window'
                    when levels.window_billed_amount < 0
                    then 'credit notes exceed billing in the window'
                end
            ) as dso_reason,
            case
                when levels.closing_amount = 0 then 0 when countback.unrated_count = 0 then countback.countback_days
            end as countback_days,
            coalesce(
                levels.closing_reason,
                case
                    when levels.closing_amount < 0
                    then 'credit balance'
                    when countback.unrated_count > 0
                    then 'no rate at a document date'
                    else 'history exhausted'
                end
            ) as countback_reason,
            coalesce(
                levels.closing_reason,
                case
                    when levels.current_amount + levels.overdue_amount <> 0
                    then null
                    when levels.closing_amount < 0
                    then 'credit balance'
                    else 'nothing outstanding'
                end
            ) as overdue_reason,
            undeclared_reason('payments', settings.declared_feeds) as no_payments,
            coalesce(
                undeclared_reason('visits', settings.declared_feeds),
                undeclared_reason('payments', settings.declared_feeds)
            ) as no_promises
        from core.receivable_levels as levels
        cross join build.settings as settings
        join core.receivable_periods as periods using (period_month)
        left join core.receivable_countback as countback using (level_no)
    ),

    ratios as (
        select
            *,
            closing_amount - current_amount - overdue_amount as credit_amount,
            case
                when dso_reason is null then money_round(ratio(closing_amount, window_billed_amount) * window_days)
            end as dso_days,
            case
                when dso_reason is null then money_round(ratio(current_amount, window_billed_amount) * window_days)
            end as best_dso_days,
            case when no_payments is null then money_round(ratio(settled_amount_days, settled_amount)) end as days_late,
            case
                when no_payments is null
                then
                    ratio(
                        opening_amount + billed_amount - closing_amount, opening_amount + billed_amount - current_amount
                    )
            end as effectiveness,
            case when no_payments is null then ratio(received_amount, expected_amount) end as collection
        from measured
    )

select
    ratios.period_month,
    ratios.level,
    ratios.account_id,
    case when ratios.level = 'account' then known(accounts.account_name) end as account_name,
    case
        when ratios.level = 'account' then known(accounts.account_manager) else ratios.account_manager
    end as account_manager,
    ratios.opening_amount,
    ratios.opening_reason as opening_amount_reason,
    ratios.billed_amount,
    ratios.billed_reason as billed_amount_reason,
    ratios.window_billed_amount,
    ratios.window_billed_reason as window_billed_amount_reason,
    ratios.window_days,
    ratios.closing_amount,
    ratios.closing_reason as closing_amount_reason,
    ratios.current_amount,
    ratios.overdue_amount,
    ratios.credit_amount,
    ratios.dso_days,
    ratios.dso_reason as dso_days_reason,
    ratios.countback_days as dso_countback_days,
    case when ratios.countback_days is null then ratios.countback_reason end as dso_countback_days_reason,
    ratios.best_dso_days as best_possible_dso_days,
    ratios.dso_reason as best_possible_dso_days_reason,
    ratios.dso_days - ratios.best_dso_days as average_days_delinquent,
    ratios.dso_reason as average_days_delinquent_reason,
    case when ratios.no_payments is null then ratios.settled_amount end as settled_amount,
    case when ratios.no_payments is null then ratios.settled_amount_days end as settled_amount_days,
    ratios.days_late as weighted_days_late,
    case
        when ratios.days_late is null
        then coalesce(ratios.no_payments, ratios.settled_reason, 'nothing settled in the month')
    end as weighted_days_late_reason,
    ratios.effectiveness as collection_effectiveness_ratio,
    case
        when ratios.effectiveness is null
        then
            coalesce(
                ratios.no_payments,
                ratios.opening_reason,
                ratios.billed_reason,
                ratios.closing_reason,
                'nothing to collect'
            )
    end as collection_effectiveness_ratio_reason,
    case
        when ratios.overdue_reason is null
        then ratio(ratios.overdue_amount, ratios.current_amount + ratios.overdue_amount)
    end as overdue_ratio,
    ratios.overdue_reason as overdue_ratio_reason,
    ratios.expected_amount as expected_receipts,
    ratios.expected_reason as expected_receipts_reason,
    case when ratios.no_payments is null then ratios.received_amount end as actual_receipts,
    coalesce(ratios.no_payments, ratios.received_reason) as actual_receipts_reason,
    ratios.collection as collection_ratio,
    case
        when ratios.collection is null
        then coalesce(ratios.no_payments, ratios.received_reason, ratios.expected_reason, 'nothing expected')
    end as collection_ratio_reason,
    credit.limit_amount as credit_limit,
    credit.limit_reason as credit_limit_reason,
    credit.exposure,
    credit.exposure_reason,
    credit.credit_use_ratio,
    credit.credit_use_reason as credit_use_ratio_reason,
    credit.is_breach as credit_breach,
    credit.breach_reason as credit_breach_reason,
    credit.breach_count as credit_breach_count,
    case when ratios.no_payments is null then ratios.written_off_amount end as written_off,
    coalesce(ratios.no_payments, ratios.written_off_reason) as written_off_reason,
    case when ratios.no_payments is null then ratios.unapplied_amount end as unapplied_cash,
    coalesce(ratios.no_payments, ratios.unapplied_reason) as unapplied_cash_reason,
    case when settings.loss_method = 'matrix' then ratios.loss_amount end as expected_credit_loss,
    case
        settings.loss_method when 'matrix' then ratios.loss_reason when 'none' then 'no loss rates in the settings'
    end as expected_credit_loss_reason,
    case when list_contains(settings.declared_feeds, 'visits') then ratios.promise_count end as promises_made,
    case when ratios.no_promises is null then ratios.kept_promise_count end as promises_kept,
    case
        when ratios.no_promises is null then ratio(ratios.kept_promise_count, ratios.promise_count)
    end as promise_kept_ratio,
    coalesce(
        ratios.no_promises, case when ratios.promise_count = 0 then 'no promise fell due in the month' end
    ) as promise_kept_ratio_reason
from ratios
join core.receivable_credit as credit using (level_no)
cross join build.settings as settings
left join core.accounts as accounts on accounts.account_id = ratios.account_id
