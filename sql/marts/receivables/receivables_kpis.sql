-- fmt: off
-- grain: period_month, level, account_id, account_manager
-- why: how well what is owed is collected, by account, by manager and in all. Managers count the documents that name
--   them, else the accounts they own.
-- method: receivables-kpis-1
-- needs: invoices
-- adds up within one: level
-- columns:
--   period_month                           DATE
--   level                                  VARCHAR        What the row adds up: account, account_manager or total; rows of several levels count the same items again
--   account_id                             VARCHAR        here: The customer account; NULL above account level
--   account_name                           VARCHAR        here: Name of the account; NULL above account level
--   account_manager                        VARCHAR        here: The manager; at account level the account's; NULL for the total
--   opening_amount                         DECIMAL(18,2)  [reporting currency; first in time] Open at the end of the month before, as known now
--   opening_amount_reason                  VARCHAR
--   billed_amount                          DECIMAL(18,2)  [reporting currency; sum] Billed in the month less credit notes, tax included, at the rate of the document date
--   billed_amount_reason                   VARCHAR
--   window_billed_amount                   DECIMAL(18,2)  [reporting currency; last in time] The same over the DSO window, which ends with the month
--   window_billed_amount_reason            VARCHAR
--   window_days                            BIGINT         [days; none] Days in the DSO window
--   closing_amount                         DECIMAL(18,2)
--   closing_amount_reason                  VARCHAR        Why closing_amount, current_amount and overdue_amount are undefined
--   current_amount                         DECIMAL(18,2)  [reporting currency; last in time] Of closing_amount, what is not overdue
--   overdue_amount                         DECIMAL(18,2)  [reporting currency; last in time] Of closing_amount, what is overdue := closing_amount − current_amount
--   dso_days                               DECIMAL(18,2)  [days; ratio of closing_amount * window_days ÷ window_billed_amount] Days sales outstanding := closing_amount ÷ window_billed_amount × window_days
--   dso_days_reason                        VARCHAR
--   dso_countback_days                     DECIMAL(18,2)  [days; none] Days of the latest billing that make up the balance: whole months backwards, the last pro rata
--   dso_countback_days_reason              VARCHAR
--   best_possible_dso_days                 DECIMAL(18,2)  [days; ratio of current_amount * window_days ÷ window_billed_amount] DSO if nothing were overdue := current_amount ÷ window_billed_amount × window_days
--   best_possible_dso_days_reason          VARCHAR
--   average_days_delinquent                DECIMAL(18,2)  [days; ratio of overdue_amount * window_days ÷ window_billed_amount] Days of DSO that come from late payment := dso_days − best_possible_dso_days
--   average_days_delinquent_reason         VARCHAR
--   settled_amount                         DECIMAL(18,2)  [reporting currency; sum] Original amount of the items settled in the month, at the closing rate
--   weighted_days_late                     DECIMAL(18,2)  [days; ratio of weighted_days_late * settled_amount ÷ settled_amount] Days late of the items settled in the month; early is 0 := Σ amount × days late ÷ Σ amount
--   weighted_days_late_reason              VARCHAR
--   collection_effectiveness_ratio         DECIMAL(18,6)  [fraction; ratio of (opening_amount + billed_amount - closing_amount) ÷ (opening_amount + billed_amount - current_amount)] Share collected of what could be := (opening + billed − closing) ÷ (opening + billed − current)
--   collection_effectiveness_ratio_reason  VARCHAR
--   overdue_ratio                          DECIMAL(18,6)  [fraction; ratio of overdue_amount ÷ closing_amount] Share of the balance that is overdue
--   overdue_ratio_reason                   VARCHAR
--   expected_receipts                      DECIMAL(18,2)  [reporting currency; sum] Due by the month end: open at the opening, or billed in the month; the payment plan where an account has one. What stays unpaid is expected again in the next month
--   expected_receipts_reason               VARCHAR
--   actual_receipts                        DECIMAL(18,2)  [reporting currency; sum] Receipts of the month, at the rate of their date; discounts and refunds not counted
--   actual_receipts_reason                 VARCHAR
--   collection_ratio                       DECIMAL(18,6)  [fraction; ratio of actual_receipts ÷ expected_receipts] Share of the expected receipts that came
--   collection_ratio_reason                VARCHAR
--   credit_limit                           DECIMAL(18,2)  [reporting currency; last in time] Credit limit at the closing rate; above account level the sum over accounts that have one
--   credit_limit_reason                    VARCHAR
--   exposure                               DECIMAL(18,2)  [reporting currency; last in time] closing_amount, and undelivered open orders where the settings say so
--   exposure_reason                        VARCHAR
--   credit_use_ratio                       DECIMAL(18,6)  [fraction; none] Share of the limit in use, by account only := exposure ÷ credit_limit
--   credit_use_ratio_reason                VARCHAR
--   credit_breach                          BOOLEAN        Whether exposure is above the limit; above account level whether that is so for any account
--   credit_breach_reason                   VARCHAR
--   credit_breach_count                    BIGINT         [count; last in time] Accounts whose exposure is above their limit
--   written_off                            DECIMAL(18,2)  [reporting currency; sum] Write-offs of the month, at the rate of their date
--   written_off_reason                     VARCHAR
--   unapplied_cash                         DECIMAL(18,2)  [reporting currency; last in time] Cash not applied to an invoice at the month end, as a positive figure; refunds without an invoice taken off
--   unapplied_cash_reason                  VARCHAR
--   expected_credit_loss                   DECIMAL(18,2)  [reporting currency; last in time] Loss to expect on the open items := Σ bucket × loss rate
--   expected_credit_loss_reason            VARCHAR
--   promises_made                          BIGINT         [count; sum] Promises of payment in the visit log for a day of the month
--   promises_kept                          BIGINT         [count; sum] Of these, the ones for which at least the amount arrived between visit and promised day
--   promise_kept_ratio                     DECIMAL(18,6)  [fraction; ratio of promises_kept ÷ promises_made] Share of the promises that were kept
--   promise_kept_ratio_reason              VARCHAR
-- fmt: on
with
    periods as (
        select
            periods.period_month,
            periods.month_index,
            periods.as_of_date,
            closing.snapshot_no as closing_no,
            opening.snapshot_no as opening_no,
            settings.dso_window_months,
            periods.as_of_date - first_month.start_date + 1 as window_days
        from build.periods as periods
        cross join build.settings as settings
        join core.receivable_snapshots as closing on closing.month_index = periods.month_index
        join core.receivable_snapshots as opening on opening.month_index = periods.month_index - 1
        join
            core.months as first_month on first_month.month_index = periods.month_index - settings.dso_window_months + 1
    ),

    closing_balances as (
        select
            items.period_month,
            items.account_id,
            items.account_manager,
            complete_sum(items.outstanding_amount, true) as closing,
            complete_sum(items.outstanding_amount, items.days_overdue <= 0) as not_overdue,
            complete_sum(- items.outstanding_amount, items.item_type = 'unapplied_cash') as unapplied,
            complete_sum(items.outstanding_amount::decimal(38, 2) * buckets.loss_rate, true) as loss,
            min(items.rate_reason) as closing_reason,
            min(case when items.item_type = 'unapplied_cash' then items.rate_reason end) as unapplied_reason,
            min(
                case
                    when buckets.loss_rate is null
                    then 'bucket ' || items.bucket || ' has no loss rate'
                    else items.rate_reason
                end
            ) as loss_reason
        from core.receivable_open_items as items
        join build.ageing_buckets as buckets using (bucket_no)
        semi join periods on periods.closing_no = items.snapshot_no
        group by items.period_month, items.account_id, items.account_manager
    ),

    opening_balances as (
        select
            periods.period_month,
            items.account_id,
            items.account_manager,
            complete_sum(items.outstanding_amount, true) as opening,
            complete_sum(
                items.outstanding_amount, items.item_type = 'invoice' and items.due_date <= periods.as_of_date
            ) as due,
            min(items.rate_reason) as opening_reason,
            min(
                case
                    when items.item_type = 'invoice' and items.due_date <= periods.as_of_date then items.rate_reason
                end
            ) as due_reason
        from core.receivable_open_items as items
        join periods on periods.opening_no = items.snapshot_no
        group by periods.period_month, items.account_id, items.account_manager
    ),

    -- What was billed in the month and fell due in it.
    new_items as (
        select invoice_id, due_date, gross_amount_doc as amount_doc
        from core.receivable_documents
        anti join core.receivable_instalments using (invoice_id)
        union all
        select invoice_id, due_date, amount_doc
        from core.receivable_instalments
    ),

    new_due as (
        select
            periods.period_month,
            documents.account_id,
            documents.account_manager,
            converted(new_items.amount_doc, rates.rate) as amount,
            case
                when rates.rate is null then 'no rate for ' || documents.currency || ' at a document date'
            end as reason
        from new_items
        join core.receivable_documents as documents using (invoice_id)
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = documents.document_date
        join periods on periods.closing_no = cutoffs.snapshot_no and new_items.due_date <= periods.as_of_date
        left join
            core.daily_rates as rates
            on rates.currency = documents.currency
            and rates.rate_date = documents.document_date
    ),

    planned as (
        select
            periods.period_month,
            plan.account_id,
            coalesce(accounts.account_manager, 'unknown') as account_manager,
            converted(plan.amount, rates.closing_rate) as amount,
            case when rates.closing_rate is null then 'no rate for ' || plan.currency end as reason
        from core.payment_plan as plan
        join periods on periods.period_month = plan.month
        left join core.accounts as accounts on accounts.account_id = plan.account_id
        left join
            core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = plan.currency
    ),

    expected as (
        select period_month, account_id, account_manager, due as amount, due_reason as reason
        from opening_balances
        anti join planned using (period_month, account_id)
        union all
        select period_month, account_id, account_manager, amount, reason
        from new_due
        anti join planned using (period_month, account_id)
        union all
        select period_month, account_id, account_manager, amount, reason
        from planned
    ),

    billing_lines as (
        select account_id, account_manager, document_date, currency, gross_amount_doc as amount_doc
        from core.receivable_documents
        union all
        select account_id, account_manager, document_date, currency, - amount_doc
        from core.receivable_settlements
        where lane = 'credited'
    ),

    billing as (
        select
            lines.account_id,
            lines.account_manager,
            cutoffs.month_index,
            complete_sum(converted(lines.amount_doc, rates.rate), true) as amount,
            min(
                case when rates.rate is null then 'no rate for ' || lines.currency || ' at a document date' end
            ) as reason
        from billing_lines as lines
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = lines.document_date
        left join core.daily_rates as rates on rates.currency = lines.currency and rates.rate_date = lines.document_date
        group by lines.account_id, lines.account_manager, cutoffs.month_index
    ),

    settled_items as (
        select
            items.period_month,
            items.account_id,
            items.account_manager,
            converted(items.amount_doc, rates.closing_rate) as amount,
            items.days_late,
            case when rates.closing_rate is null then 'no rate for ' || items.currency end as reason
        from core.receivable_settled_items as items
        left join
            core.month_rates as rates on rates.period_month = items.period_month and rates.currency = items.currency
    ),

    settled as (
        select
            period_month,
            account_id,
            account_manager,
            sum(amount) as settled,
            sum(amount::decimal(28, 2) * days_late) as settled_days,
            min(reason) as settled_reason
        from settled_items
        group by period_month, account_id, account_manager
    ),

    -- Orders count in the exposure only where the settings say so.
    open_lines as (
        select
            orders.order_id,
            orders.line_no,
            orders.account_id,
            coalesce(orders.account_manager, accounts.account_manager, 'unknown') as account_manager,
            orders.currency,
            orders.order_date,
            orders.quantity,
            orders.unit_price,
            orders.delivered_date,
            coalesce(orders.delivered_quantity, orders.quantity) as delivered_quantity
        from core.orders as orders
        left join core.accounts as accounts on accounts.account_id = orders.account_id
        where
            (select credit_exposure from build.settings) = 'outstanding_and_open_orders'
            and coalesce(orders.status, 'open') = 'open'
            and orders.unit_price > 0
    ),

    line_deliveries as (
        select order_id, order_line_no as line_no, delivered_date, quantity
        from core.deliveries
        union all
        select order_id, line_no, delivered_date, delivered_quantity
        from open_lines
        anti join
            core.deliveries as deliveries
            on deliveries.order_id = open_lines.order_id
            and deliveries.order_line_no = open_lines.line_no
        where delivered_date is not null
    ),

    deliveries_so_far as (
        select
            lines.account_id,
            lines.account_manager,
            lines.currency,
            lines.unit_price,
            greatest(deliveries.delivered_date, lines.order_date) as event_date,
            lines.quantity as ordered,
            sum(deliveries.quantity) over (
                partition by lines.order_id, lines.line_no
                order by deliveries.delivered_date, deliveries.quantity
                rows unbounded preceding
            ) as delivered,
            deliveries.quantity as delivered_now
        from open_lines as lines
        join line_deliveries as deliveries using (order_id, line_no)
    ),

    order_events as (
        select
            account_id,
            account_manager,
            currency,
            order_date as event_date,
            (quantity::decimal(28, 4) * unit_price)::decimal(28, 6) as value_doc
        from open_lines
        union all
        select
            account_id,
            account_manager,
            currency,
            event_date,
            - (
                (least(delivered, ordered) - least(delivered - delivered_now, ordered))::decimal(28, 4) * unit_price
            )::decimal(28, 6)
        from deliveries_so_far
    ),

    order_totals as (
        select
            events.account_id,
            events.account_manager,
            events.currency,
            cutoffs.snapshot_no,
            sum(events.value_doc) as value_doc
        from order_events as events
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = events.event_date
        where cutoffs.snapshot_no is not null
        group by events.account_id, events.account_manager, events.currency, cutoffs.snapshot_no
    ),

    open_orders as (
        select
            periods.period_month,
            totals.account_id,
            totals.account_manager,
            totals.currency,
            sum(totals.value_doc)::decimal(18, 4) as value_doc
        from order_totals as totals
        join periods on periods.closing_no >= totals.snapshot_no
        group by periods.period_month, totals.account_id, totals.account_manager, totals.currency
        having sum(totals.value_doc) <> 0
    ),

    promises as (
        select
            periods.period_month,
            visits.visit_id,
            visits.account_id,
            coalesce(visits.account_manager, accounts.account_manager, 'unknown') as account_manager,
            coalesce(visits.visit_date, visits.planned_date) as made_date,
            visits.promised_payment_date as promised_date,
            visits.promised_payment_amount as amount,
            visits.currency,
            periods.as_of_date
        from core.visits as visits
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = visits.promised_payment_date
        join periods on periods.closing_no = cutoffs.snapshot_no
        left join core.accounts as accounts on accounts.account_id = visits.account_id
        where
            visits.promised_payment_amount > 0
            and coalesce(visits.visit_date, visits.planned_date) <= periods.as_of_date
    ),

    -- Cash arrives for the account that pays, and for the one whose invoice it pays.
    receipts as (
        select account_id, document_date, currency, amount_doc, document_date as known_from
        from core.receivable_settlements
        where lane = 'received'
        union all
        select invoice_account_id, document_date, currency, amount_doc, applied_from
        from core.receivable_settlements
        where lane = 'received' and applied_from is not null and invoice_account_id <> account_id
    ),

    promise_receipts as (
        select
            promises.period_month,
            promises.visit_id,
            case
                when receipts.currency = promises.currency
                then receipts.amount_doc
                else ratio(receipts.amount_doc::decimal(38, 4) * paid.rate, promised.rate)::decimal(28, 6)
            end as amount
        from promises
        join
            receipts
            on receipts.account_id = promises.account_id
            and receipts.document_date between promises.made_date and promises.promised_date
            and receipts.known_from <= promises.as_of_date
        left join
            core.daily_rates as paid on paid.currency = receipts.currency and paid.rate_date = receipts.document_date
        left join
            core.daily_rates as promised
            on promised.currency = promises.currency
            and promised.rate_date = receipts.document_date
    ),

    promise_cash as (
        select period_month, visit_id, sum(amount) as amount from promise_receipts group by period_month, visit_id
    ),

    -- Each part brings its own columns; a part that an account does not have is zero, not unknown.
    facts as (
        select
            period_month,
            account_id,
            account_manager,
            closing,
            closing_reason,
            not_overdue,
            unapplied,
            unapplied_reason,
            loss,
            loss_reason
        from closing_balances
        union all by name
        select period_month, account_id, account_manager, opening, opening_reason
        from opening_balances
        union all by name
        select period_month, account_id, account_manager, amount as expected, reason as expected_reason
        from expected
        union all by name
        select period_month, account_id, account_manager, amount as received, amount_reason as received_reason
        from core.receivable_movements
        where lane = 'received'
        union all by name
        select period_month, account_id, account_manager, amount as written_off, amount_reason as written_off_reason
        from core.receivable_movements
        where lane = 'written_off'
        union all by name
        select
            periods.period_month,
            billing.account_id,
            billing.account_manager,
            billing.amount as window_billing,
            billing.reason as window_billing_reason,
            case when billing.month_index = periods.month_index then billing.amount end as billing,
            case when billing.month_index = periods.month_index then billing.reason end as billing_reason
        from billing
        join
            periods
            on billing.month_index between periods.month_index - periods.dso_window_months + 1 and periods.month_index
        union all by name
        select period_month, account_id, account_manager, settled, settled_days, settled_reason
        from settled
        union all by name
        select
            orders.period_month,
            orders.account_id,
            orders.account_manager,
            converted(orders.value_doc, rates.closing_rate) as open_orders,
            case when rates.closing_rate is null then 'no rate for ' || orders.currency end as open_orders_reason
        from open_orders as orders
        left join
            core.month_rates as rates on rates.period_month = orders.period_month and rates.currency = orders.currency
        union all by name
        select
            promises.period_month,
            promises.account_id,
            promises.account_manager,
            1 as promises_made,
            (coalesce(promise_cash.amount, 0) >= promises.amount)::integer as promises_kept
        from promises
        left join promise_cash using (period_month, visit_id)
    ),

    limits as (
        select
            active.period_month,
            accounts.account_id,
            coalesce(accounts.account_manager, 'unknown') as account_manager,
            converted(accounts.credit_limit, rates.closing_rate) as credit_limit,
            1 as limit_count,
            case when rates.closing_rate is null then 'no rate for ' || accounts.currency end as limit_reason
        from (select distinct period_month, account_id from facts) as active
        join core.accounts as accounts on accounts.account_id = active.account_id and accounts.credit_limit is not null
        left join
            core.month_rates as rates on rates.period_month = active.period_month and rates.currency = accounts.currency
    ),

    all_facts as (
        select *
        from facts
        union all by name
        select *
        from limits
        union all by name
        -- The total has a row in a month without anything.
        select period_month
        from build.periods
    ),

    sums as (
        select
            period_month,
            case
                when grouping(account_id) = 0
                then 'account'
                when grouping(account_manager) = 0
                then 'account_manager'
                else 'total'
            end as level,
            account_id,
            account_manager,
            sum(closing) as closing,
            min(closing_reason) as closing_reason,
            sum(not_overdue) as not_overdue,
            sum(unapplied) as unapplied,
            min(unapplied_reason) as unapplied_reason,
            sum(loss) as loss,
            min(loss_reason) as loss_reason,
            sum(opening) as opening,
            min(opening_reason) as opening_reason,
            sum(expected) as expected,
            min(expected_reason) as expected_reason,
            sum(received) as received,
            min(received_reason) as received_reason,
            sum(written_off) as written_off,
            min(written_off_reason) as written_off_reason,
            sum(billing) as billing,
            min(billing_reason) as billing_reason,
            sum(window_billing) as window_billing,
            min(window_billing_reason) as window_billing_reason,
            sum(settled) as settled,
            sum(settled_days) as settled_days,
            min(settled_reason) as settled_reason,
            sum(credit_limit) as credit_limit,
            count(limit_count) as limit_count,
            min(limit_reason) as limit_reason,
            sum(open_orders) as open_orders,
            min(open_orders_reason) as open_orders_reason,
            coalesce(sum(promises_made), 0) as promises_made,
            coalesce(sum(promises_kept), 0) as promises_kept
        from all_facts
        group by grouping sets ((period_month, account_id), (period_month, account_manager), (period_month))
        having
            (grouping(account_id) = 1 or account_id is not null)
            and (grouping(account_manager) = 1 or account_manager is not null)
    ),

    -- Whatever lacks an amount brings a reason, and a sum with a reason is not shown as if it were whole.
    levels as (
        select
            * replace (
                case when closing_reason is null then coalesce(closing, 0) end as closing,
                case when closing_reason is null then coalesce(not_overdue, 0) end as not_overdue,
                case when unapplied_reason is null then coalesce(unapplied, 0) end as unapplied,
                case when loss_reason is null then coalesce(loss, 0) end as loss,
                case when opening_reason is null then coalesce(opening, 0) end as opening,
                case when expected_reason is null then coalesce(expected, 0) end as expected,
                case when received_reason is null then coalesce(received, 0) end as received,
                case when written_off_reason is null then coalesce(written_off, 0) end as written_off,
                case when billing_reason is null then coalesce(billing, 0) end as billing,
                case when window_billing_reason is null then coalesce(window_billing, 0) end as window_billing,
                case when settled_reason is null then coalesce(settled, 0) end as settled,
                case when settled_reason is null then coalesce(settled_days, 0) end as settled_days,
                case when limit_reason is null then credit_limit end as credit_limit,
                case when open_orders_reason is null then coalesce(open_orders, 0) end as open_orders
            )
        from sums
    ),

    -- Countback: the latest months' billing, month by month backwards, until it makes up the balance.
    billing_levels as (
        select
            case
                when grouping(account_id) = 0
                then 'account'
                when grouping(account_manager) = 0
                then 'account_manager'
                else 'total'
            end as level,
            account_id,
            account_manager,
            month_index,
            complete_sum(amount, true) as amount
        from billing
        group by grouping sets ((month_index, account_id), (month_index, account_manager), (month_index))
    ),

    taken as (
        select
            levels.period_month,
            levels.level,
            levels.account_id,
            levels.account_manager,
            levels.closing,
            billing.month_index,
            billing.amount,
            sum(billing.amount) over backwards as taken,
            count(*) over backwards - count(billing.amount) over backwards as unrated_count
        from levels
        join periods using (period_month)
        join
            billing_levels as billing
            on billing.level = levels.level
            and billing.account_id is not distinct from levels.account_id
            and billing.account_manager is not distinct from levels.account_manager
            and billing.month_index <= periods.month_index
        where levels.closing > 0
        window
            backwards as (
                partition by levels.period_month, levels.level, levels.account_id, levels.account_manager
                order by billing.month_index desc
                rows unbounded preceding
            )
    ),

    reached as (
        select
            period_month,
            level,
            account_id,
            account_manager,
            max(month_index) as month_index,
            arg_max(ratio(closing - (taken - amount), amount), month_index) as month_share,
            arg_max(unrated_count, month_index) as unrated_count
        from taken
        where taken >= closing and amount is not null
        group by period_month, level, account_id, account_manager
    ),

    countback as (
        select
            reached.period_month,
            reached.level,
            reached.account_id,
            reached.account_manager,
            reached.unrated_count,
            money_round(
                (periods.as_of_date - months.as_of_date)
                + reached.month_share * (months.as_of_date - months.start_date + 1)
            ) as days
        from reached
        join periods using (period_month)
        join core.months as months on months.month_index = reached.month_index
    ),

    breaches as (
        select
            levels.period_month,
            coalesce(accounts.account_manager, 'unknown') as account_manager,
            levels.closing + levels.open_orders > levels.credit_limit as is_breach
        from levels
        join core.accounts as accounts on accounts.account_id = levels.account_id
        where levels.level = 'account' and levels.limit_count > 0
    ),

    breach_levels as (
        select
            period_month,
            case when grouping(account_manager) = 0 then 'account_manager' else 'total' end as level,
            account_manager,
            count(*) filter (where is_breach) as breach_count,
            count(*) - count(is_breach) as unknown_count
        from breaches
        group by grouping sets ((period_month, account_manager), (period_month))
    ),

    figures as (
        select
            levels.period_month,
            levels.level,
            levels.account_id,
            case when levels.level = 'account' then coalesce(accounts.account_name, 'unknown') end as account_name,
            case
                when levels.level = 'account'
                then coalesce(accounts.account_manager, 'unknown')
                else levels.account_manager
            end as account_manager,
            money_round(levels.opening) as opening_amount,
            levels.opening_reason as opening_amount_reason,
            money_round(levels.billing) as billed_amount,
            levels.billing_reason as billed_amount_reason,
            money_round(levels.window_billing) as window_billed_amount,
            levels.window_billing_reason as window_billed_amount_reason,
            periods.window_days,
            money_round(levels.closing) as closing_amount,
            levels.closing_reason as closing_amount_reason,
            money_round(levels.not_overdue) as current_amount,
            coalesce(
                levels.closing_reason,
                levels.window_billing_reason,
                case
                    when levels.window_billing = 0
                    then 'no billing in the window'
                    when levels.window_billing < 0
                    then 'credit notes exceed billing in the window'
                end
            ) as dso_reason,
            case
                when levels.closing = 0 then 0 when countback.unrated_count = 0 then countback.days
            end as dso_countback_days,
            coalesce(
                levels.closing_reason,
                case
                    when levels.closing < 0
                    then 'credit balance'
                    when countback.unrated_count > 0
                    then 'no rate at a document date'
                    else 'history exhausted'
                end
            ) as countback_reason,
            money_round(levels.settled) as settled_amount,
            levels.settled_days,
            levels.settled_reason,
            money_round(levels.expected) as expected_receipts,
            levels.expected_reason as expected_receipts_reason,
            money_round(levels.received) as actual_receipts,
            levels.received_reason as actual_receipts_reason,
            money_round(levels.credit_limit) as credit_limit,
            case when levels.limit_count = 0 then 'no credit limit' else levels.limit_reason end as credit_limit_reason,
            money_round(levels.closing + levels.open_orders) as exposure,
            coalesce(levels.closing_reason, levels.open_orders_reason) as exposure_reason,
            breach_levels.breach_count,
            breach_levels.unknown_count as breach_unknown_count,
            money_round(levels.written_off) as written_off,
            levels.written_off_reason,
            money_round(levels.unapplied) as unapplied_cash,
            levels.unapplied_reason as unapplied_cash_reason,
            case when settings.loss_method = 'matrix' then money_round(levels.loss) end as expected_credit_loss,
            case
                settings.loss_method
                when 'matrix'
                then levels.loss_reason
                when 'none'
                then 'no loss rates in the settings'
                else 'no roll rates observed'
            end as expected_credit_loss_reason,
            levels.promises_made,
            levels.promises_kept
        from levels
        join periods using (period_month)
        cross join build.settings as settings
        left join core.accounts as accounts on accounts.account_id = levels.account_id
        left join
            countback
            on countback.period_month = levels.period_month
            and countback.level = levels.level
            and countback.account_id is not distinct from levels.account_id
            and countback.account_manager is not distinct from levels.account_manager
        left join
            breach_levels
            on breach_levels.period_month = levels.period_month
            and breach_levels.level = levels.level
            and breach_levels.account_manager is not distinct from levels.account_manager
    ),

    rates as (
        select
            *,
            closing_amount - current_amount as overdue_amount,
            case
                when dso_reason is null then money_round(ratio(closing_amount, window_billed_amount) * window_days)
            end as dso_days,
            case
                when dso_reason is null then money_round(ratio(current_amount, window_billed_amount) * window_days)
            end as best_possible_dso_days,
            ratio(
                opening_amount + billed_amount - closing_amount, opening_amount + billed_amount - current_amount
            ) as collection_effectiveness_ratio,
            coalesce(
                opening_amount_reason, billed_amount_reason, closing_amount_reason, 'nothing to collect'
            ) as collection_effectiveness_reason,
            coalesce(
                closing_amount_reason,
                case
                    when closing_amount = 0 then 'nothing outstanding' when closing_amount < 0 then 'credit balance'
                end
            ) as overdue_reason,
            case
                when level = 'account' and credit_limit is not null
                then exposure > credit_limit
                -- One account above its limit is enough; none is only certain when every one is known.
                when breach_count > 0
                then true
                when breach_unknown_count = 0
                then false
            end as credit_breach
        from figures
    )

select
    * exclude (
        dso_reason,
        countback_reason,
        settled_days,
        settled_reason,
        breach_count,
        breach_unknown_count,
        collection_effectiveness_ratio,
        collection_effectiveness_reason,
        overdue_reason
    ),
    dso_reason as dso_days_reason,
    case when dso_countback_days is null then countback_reason end as dso_countback_days_reason,
    dso_reason as best_possible_dso_days_reason,
    dso_days - best_possible_dso_days as average_days_delinquent,
    dso_reason as average_days_delinquent_reason,
    money_round(ratio(settled_days, settled_amount)) as weighted_days_late,
    case
        when ratio(settled_days, settled_amount) is null then coalesce(settled_reason, 'nothing settled in the month')
    end as weighted_days_late_reason,
    collection_effectiveness_ratio,
    case
        when collection_effectiveness_ratio is null then collection_effectiveness_reason
    end as collection_effectiveness_ratio_reason,
    case when overdue_reason is null then ratio(overdue_amount, closing_amount) end as overdue_ratio,
    overdue_reason as overdue_ratio_reason,
    ratio(actual_receipts, expected_receipts) as collection_ratio,
    case
        when ratio(actual_receipts, expected_receipts) is null
        then coalesce(actual_receipts_reason, expected_receipts_reason, 'nothing expected')
    end as collection_ratio_reason,
    case when level = 'account' then ratio(exposure, credit_limit) end as credit_use_ratio,
    case
        when level <> 'account'
        then 'by account only'
        when ratio(exposure, credit_limit) is null
        then coalesce(credit_limit_reason, exposure_reason, 'credit limit is zero')
    end as credit_use_ratio_reason,
    case
        when credit_breach is null
        then coalesce(credit_limit_reason, exposure_reason, 'exposure of an account is not known')
    end as credit_breach_reason,
    case
        when level = 'account' then coalesce(credit_breach, false)::integer else coalesce(breach_count, 0)
    end as credit_breach_count,
    ratio(promises_kept, promises_made) as promise_kept_ratio,
    case when promises_made = 0 then 'no promise fell due in the month' end as promise_kept_ratio_reason
from rates
