-- grain: period_month, level, account_id, account_manager
-- why: how well what is owed is collected, by account, by manager and in all. Managers count the documents that name
--   them, else the accounts they own.
-- method: receivables-kpis-1
-- needs: invoices
-- columns:
--   period_month                           DATE           The month closed, as its first day
--   level                                  VARCHAR        account, account_manager or total
--   account_id                             VARCHAR        The customer account; empty above account level
--   account_name                           VARCHAR        Name of the account; empty above account level
--   account_manager                        VARCHAR        The manager; at account level the account's; empty for the total
--   opening_amount                         DECIMAL(18,2)  Open at the end of the month before, as known now
--   opening_amount_reason                  VARCHAR        Why opening_amount is empty
--   billed_amount                          DECIMAL(18,2)  Billed in the month less credit notes, tax included, at the rate of the document date
--   billed_amount_reason                   VARCHAR        Why billed_amount is empty
--   window_billed_amount                   DECIMAL(18,2)  The same over the DSO window, which ends with the month
--   window_billed_amount_reason            VARCHAR        Why window_billed_amount is empty
--   window_days                            BIGINT         Days in the DSO window
--   closing_amount                         DECIMAL(18,2)  Open at the month end, credits and unapplied cash taken off
--   closing_amount_reason                  VARCHAR        Why closing_amount and its parts are empty
--   current_amount                         DECIMAL(18,2)  Of closing_amount, what is not overdue
--   overdue_amount                         DECIMAL(18,2)  Of closing_amount, what is overdue := closing_amount − current_amount
--   dso_days                               DECIMAL(18,2)  Days sales outstanding := closing_amount ÷ window_billed_amount × window_days
--   dso_days_reason                        VARCHAR        Why dso_days is empty
--   dso_countback_days                     DECIMAL(18,2)  Days of the latest billing that make up the balance: whole months backwards, the last pro rata
--   dso_countback_days_reason              VARCHAR        Why dso_countback_days is empty
--   best_possible_dso_days                 DECIMAL(18,2)  DSO if nothing were overdue := current_amount ÷ window_billed_amount × window_days
--   best_possible_dso_days_reason          VARCHAR        Why best_possible_dso_days is empty
--   average_days_delinquent                DECIMAL(18,2)  Days of DSO that come from late payment := dso_days − best_possible_dso_days
--   average_days_delinquent_reason         VARCHAR        Why average_days_delinquent is empty
--   settled_amount                         DECIMAL(18,2)  Original amount of the items settled in the month, at the closing rate
--   weighted_days_late                     DECIMAL(18,2)  Days late of the items settled in the month; early is 0 := Σ amount × days late ÷ Σ amount
--   weighted_days_late_reason              VARCHAR        Why weighted_days_late is empty
--   collection_effectiveness_ratio         DECIMAL(18,6)  Share collected of what could be := (opening + billed − closing) ÷ (opening + billed − current)
--   collection_effectiveness_ratio_reason  VARCHAR        Why collection_effectiveness_ratio is empty
--   overdue_ratio                          DECIMAL(18,6)  := overdue_amount ÷ closing_amount
--   overdue_ratio_reason                   VARCHAR        Why overdue_ratio is empty
--   expected_receipts                      DECIMAL(18,2)  Due by the month end: open at the opening, or billed in the month; the payment plan where an account has one
--   expected_receipts_reason               VARCHAR        Why expected_receipts is empty
--   actual_receipts                        DECIMAL(18,2)  Receipts of the month, at the rate of their date; discounts and refunds not counted
--   actual_receipts_reason                 VARCHAR        Why actual_receipts is empty
--   collection_ratio                       DECIMAL(18,6)  := actual_receipts ÷ expected_receipts
--   collection_ratio_reason                VARCHAR        Why collection_ratio is empty
--   credit_limit                           DECIMAL(18,2)  Credit limit at the closing rate; above account level the sum over accounts that have one
--   credit_limit_reason                    VARCHAR        Why credit_limit is empty
--   exposure                               DECIMAL(18,2)  closing_amount, and undelivered open orders where the settings say so
--   exposure_reason                        VARCHAR        Why exposure is empty
--   credit_use_ratio                       DECIMAL(18,6)  Share of the limit in use, by account only := exposure ÷ credit_limit
--   credit_use_ratio_reason                VARCHAR        Why credit_use_ratio is empty
--   credit_breach                          BOOLEAN        Whether exposure is above the limit; above account level whether that is so for any account
--   credit_breach_reason                   VARCHAR        Why credit_breach is empty
--   credit_breach_count                    BIGINT         Accounts whose exposure is above their limit
--   written_off                            DECIMAL(18,2)  Write-offs of the month, at the rate of their date
--   written_off_reason                     VARCHAR        Why written_off is empty
--   unapplied_cash                         DECIMAL(18,2)  Cash not applied to an invoice at the month end, as a positive figure; refunds without an invoice taken off
--   unapplied_cash_reason                  VARCHAR        Why unapplied_cash is empty
--   expected_credit_loss                   DECIMAL(18,2)  := Σ bucket × loss rate
--   expected_credit_loss_reason            VARCHAR        Why expected_credit_loss is empty
--   promises_made                          BIGINT         Promises of payment in the visit log for a day of the month
--   promises_kept                          BIGINT         Of these, the ones for which at least the amount arrived between visit and promised day
--   promise_kept_ratio                     DECIMAL(18,6)  := promises_kept ÷ promises_made
--   promise_kept_ratio_reason              VARCHAR        Why promise_kept_ratio is empty
WITH periods AS (
    SELECT
        periods.period_month,
        periods.month_index,
        periods.as_of_date,
        closing.snapshot_no AS closing_no,
        opening.snapshot_no AS opening_no,
        settings.dso_window_months,
        periods.as_of_date - first_month.start_date + 1 AS window_days
    FROM build.periods AS periods
    CROSS JOIN build.settings AS settings
    JOIN core.receivable_snapshots AS closing ON closing.month_index = periods.month_index
    JOIN core.receivable_snapshots AS opening ON opening.month_index = periods.month_index - 1
    JOIN core.months AS first_month ON first_month.month_index = periods.month_index - settings.dso_window_months + 1
),

closing_balances AS (
    SELECT
        items.period_month,
        items.account_id,
        items.account_manager,
        complete_sum(items.outstanding_amount, true) AS closing,
        complete_sum(items.outstanding_amount, items.days_overdue <= 0) AS not_overdue,
        complete_sum(-items.outstanding_amount, items.item_type = 'unapplied_cash') AS unapplied,
        complete_sum(items.outstanding_amount::DECIMAL(38, 2) * buckets.loss_rate, true) AS loss,
        min(items.rate_reason) AS closing_reason,
        min(CASE WHEN items.item_type = 'unapplied_cash' THEN items.rate_reason END) AS unapplied_reason,
        min(
            CASE
                WHEN buckets.loss_rate IS NULL THEN 'bucket ' || items.bucket || ' has no loss rate'
                ELSE items.rate_reason
            END
        ) AS loss_reason
    FROM core.receivable_open_items AS items
    JOIN build.ageing_buckets AS buckets USING (bucket_no)
    SEMI JOIN periods ON periods.closing_no = items.snapshot_no
    GROUP BY items.period_month, items.account_id, items.account_manager
),

opening_balances AS (
    SELECT
        periods.period_month,
        items.account_id,
        items.account_manager,
        complete_sum(items.outstanding_amount, true) AS opening,
        complete_sum(
            items.outstanding_amount, items.item_type = 'invoice' AND items.due_date <= periods.as_of_date
        ) AS due,
        min(items.rate_reason) AS opening_reason,
        min(
            CASE WHEN items.item_type = 'invoice' AND items.due_date <= periods.as_of_date THEN items.rate_reason END
        ) AS due_reason
    FROM core.receivable_open_items AS items
    JOIN periods ON periods.opening_no = items.snapshot_no
    GROUP BY periods.period_month, items.account_id, items.account_manager
),

-- What was billed in the month and fell due in it.
new_items AS (
    SELECT invoice_id, due_date, gross_amount_doc AS amount_doc
    FROM core.receivable_documents
    ANTI JOIN core.receivable_instalments USING (invoice_id)
    UNION ALL
    SELECT invoice_id, due_date, amount_doc FROM core.receivable_instalments
),

new_due AS (
    SELECT
        periods.period_month,
        documents.account_id,
        documents.account_manager,
        converted(new_items.amount_doc, rates.rate) AS amount,
        CASE WHEN rates.rate IS NULL THEN 'no rate for ' || documents.currency || ' at a document date' END AS reason
    FROM new_items
    JOIN core.receivable_documents AS documents USING (invoice_id)
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = documents.document_date
    JOIN periods ON periods.closing_no = cutoffs.snapshot_no AND new_items.due_date <= periods.as_of_date
    LEFT JOIN core.daily_rates AS rates
        ON rates.currency = documents.currency AND rates.rate_date = documents.document_date
),

planned AS (
    SELECT
        periods.period_month,
        plan.account_id,
        coalesce(accounts.account_manager, 'unknown') AS account_manager,
        converted(plan.amount, rates.closing_rate) AS amount,
        CASE WHEN rates.closing_rate IS NULL THEN 'no rate for ' || plan.currency END AS reason
    FROM core.payment_plan AS plan
    JOIN periods ON periods.period_month = plan.month
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = plan.account_id
    LEFT JOIN core.month_rates AS rates
        ON rates.period_month = periods.period_month AND rates.currency = plan.currency
),

expected AS (
    SELECT period_month, account_id, account_manager, due AS amount, due_reason AS reason
    FROM opening_balances
    ANTI JOIN planned USING (period_month, account_id)
    UNION ALL
    SELECT period_month, account_id, account_manager, amount, reason
    FROM new_due
    ANTI JOIN planned USING (period_month, account_id)
    UNION ALL
    SELECT period_month, account_id, account_manager, amount, reason FROM planned
),

billing_lines AS (
    SELECT account_id, account_manager, document_date, currency, gross_amount_doc AS amount_doc
    FROM core.receivable_documents
    UNION ALL
    SELECT account_id, account_manager, document_date, currency, -amount_doc
    FROM core.receivable_settlements
    WHERE lane = 'credited'
),

billing AS (
    SELECT
        lines.account_id,
        lines.account_manager,
        cutoffs.month_index,
        complete_sum(converted(lines.amount_doc, rates.rate), true) AS amount,
        min(CASE WHEN rates.rate IS NULL THEN 'no rate for ' || lines.currency || ' at a document date' END) AS reason
    FROM billing_lines AS lines
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = lines.document_date
    LEFT JOIN core.daily_rates AS rates
        ON rates.currency = lines.currency AND rates.rate_date = lines.document_date
    GROUP BY lines.account_id, lines.account_manager, cutoffs.month_index
),

settled_items AS (
    SELECT
        items.period_month,
        items.account_id,
        items.account_manager,
        converted(items.amount_doc, rates.closing_rate) AS amount,
        items.days_late,
        CASE WHEN rates.closing_rate IS NULL THEN 'no rate for ' || items.currency END AS reason
    FROM core.receivable_settled_items AS items
    LEFT JOIN core.month_rates AS rates
        ON rates.period_month = items.period_month AND rates.currency = items.currency
),

settled AS (
    SELECT
        period_month,
        account_id,
        account_manager,
        sum(amount) AS settled,
        sum(amount::DECIMAL(28, 2) * days_late) AS settled_days,
        min(reason) AS settled_reason
    FROM settled_items
    GROUP BY period_month, account_id, account_manager
),

-- Orders count in the exposure only where the settings say so.
open_lines AS (
    SELECT
        orders.order_id,
        orders.line_no,
        orders.account_id,
        coalesce(orders.account_manager, accounts.account_manager, 'unknown') AS account_manager,
        orders.currency,
        orders.order_date,
        orders.quantity,
        orders.unit_price,
        orders.delivered_date,
        coalesce(orders.delivered_quantity, orders.quantity) AS delivered_quantity
    FROM core.orders AS orders
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = orders.account_id
    WHERE
        (SELECT credit_exposure FROM build.settings) = 'outstanding_and_open_orders'
        AND coalesce(orders.status, 'open') = 'open'
        AND orders.unit_price > 0
),

line_deliveries AS (
    SELECT order_id, order_line_no AS line_no, delivered_date, quantity
    FROM core.deliveries
    UNION ALL
    SELECT order_id, line_no, delivered_date, delivered_quantity
    FROM open_lines
    ANTI JOIN core.deliveries AS deliveries
        ON deliveries.order_id = open_lines.order_id AND deliveries.order_line_no = open_lines.line_no
    WHERE delivered_date IS NOT NULL
),

deliveries_so_far AS (
    SELECT
        lines.account_id,
        lines.account_manager,
        lines.currency,
        lines.unit_price,
        greatest(deliveries.delivered_date, lines.order_date) AS event_date,
        lines.quantity AS ordered,
        sum(deliveries.quantity) OVER (
            PARTITION BY lines.order_id, lines.line_no
            ORDER BY deliveries.delivered_date, deliveries.quantity
            ROWS UNBOUNDED PRECEDING
        ) AS delivered,
        deliveries.quantity AS delivered_now
    FROM open_lines AS lines
    JOIN line_deliveries AS deliveries USING (order_id, line_no)
),

order_events AS (
    SELECT
        account_id,
        account_manager,
        currency,
        order_date AS event_date,
        (quantity::DECIMAL(28, 4) * unit_price)::DECIMAL(28, 6) AS value_doc
    FROM open_lines
    UNION ALL
    SELECT
        account_id,
        account_manager,
        currency,
        event_date,
        -(
            (least(delivered, ordered) - least(delivered - delivered_now, ordered))::DECIMAL(28, 4) * unit_price
        )::DECIMAL(28, 6)
    FROM deliveries_so_far
),

order_totals AS (
    SELECT
        events.account_id,
        events.account_manager,
        events.currency,
        cutoffs.snapshot_no,
        sum(events.value_doc) AS value_doc
    FROM order_events AS events
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = events.event_date
    WHERE cutoffs.snapshot_no IS NOT NULL
    GROUP BY events.account_id, events.account_manager, events.currency, cutoffs.snapshot_no
),

open_orders AS (
    SELECT
        periods.period_month,
        totals.account_id,
        totals.account_manager,
        totals.currency,
        sum(totals.value_doc)::DECIMAL(18, 4) AS value_doc
    FROM order_totals AS totals
    JOIN periods ON periods.closing_no >= totals.snapshot_no
    GROUP BY periods.period_month, totals.account_id, totals.account_manager, totals.currency
    HAVING sum(totals.value_doc) <> 0
),

promises AS (
    SELECT
        periods.period_month,
        visits.visit_id,
        visits.account_id,
        coalesce(visits.account_manager, accounts.account_manager, 'unknown') AS account_manager,
        coalesce(visits.visit_date, visits.planned_date) AS made_date,
        visits.promised_payment_date AS promised_date,
        visits.promised_payment_amount AS amount,
        visits.currency,
        periods.as_of_date
    FROM core.visits AS visits
    JOIN core.receivable_cutoffs AS cutoffs ON cutoffs.calendar_date = visits.promised_payment_date
    JOIN periods ON periods.closing_no = cutoffs.snapshot_no
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = visits.account_id
    WHERE visits.promised_payment_amount > 0 AND coalesce(visits.visit_date, visits.planned_date) <= periods.as_of_date
),

-- Cash arrives for the account that pays, and for the one whose invoice it pays.
receipts AS (
    SELECT account_id, document_date, currency, amount_doc, document_date AS known_from
    FROM core.receivable_settlements
    WHERE lane = 'received'
    UNION ALL
    SELECT invoice_account_id, document_date, currency, amount_doc, applied_from
    FROM core.receivable_settlements
    WHERE lane = 'received' AND applied_from IS NOT NULL AND invoice_account_id <> account_id
),

promise_receipts AS (
    SELECT
        promises.period_month,
        promises.visit_id,
        CASE
            WHEN receipts.currency = promises.currency THEN receipts.amount_doc
            ELSE ratio(receipts.amount_doc::DECIMAL(38, 4) * paid.rate, promised.rate)::DECIMAL(28, 6)
        END AS amount
    FROM promises
    JOIN receipts
        ON receipts.account_id = promises.account_id
        AND receipts.document_date BETWEEN promises.made_date AND promises.promised_date
        AND receipts.known_from <= promises.as_of_date
    LEFT JOIN core.daily_rates AS paid
        ON paid.currency = receipts.currency AND paid.rate_date = receipts.document_date
    LEFT JOIN core.daily_rates AS promised
        ON promised.currency = promises.currency AND promised.rate_date = receipts.document_date
),

promise_cash AS (
    SELECT period_month, visit_id, sum(amount) AS amount FROM promise_receipts GROUP BY period_month, visit_id
),

-- Each part brings its own columns; a part that an account does not have is zero, not unknown.
facts AS (
    SELECT
        period_month, account_id, account_manager,
        closing, closing_reason, not_overdue, unapplied, unapplied_reason, loss, loss_reason
    FROM closing_balances
    UNION ALL BY NAME
    SELECT period_month, account_id, account_manager, opening, opening_reason FROM opening_balances
    UNION ALL BY NAME
    SELECT period_month, account_id, account_manager, amount AS expected, reason AS expected_reason FROM expected
    UNION ALL BY NAME
    SELECT period_month, account_id, account_manager, amount AS received, amount_reason AS received_reason
    FROM core.receivable_movements
    WHERE lane = 'received'
    UNION ALL BY NAME
    SELECT period_month, account_id, account_manager, amount AS written_off, amount_reason AS written_off_reason
    FROM core.receivable_movements
    WHERE lane = 'written_off'
    UNION ALL BY NAME
    SELECT
        periods.period_month, billing.account_id, billing.account_manager,
        billing.amount AS window_billing,
        billing.reason AS window_billing_reason,
        CASE WHEN billing.month_index = periods.month_index THEN billing.amount END AS billing,
        CASE WHEN billing.month_index = periods.month_index THEN billing.reason END AS billing_reason
    FROM billing
    JOIN periods
        ON billing.month_index BETWEEN periods.month_index - periods.dso_window_months + 1 AND periods.month_index
    UNION ALL BY NAME
    SELECT period_month, account_id, account_manager, settled, settled_days, settled_reason FROM settled
    UNION ALL BY NAME
    SELECT
        orders.period_month, orders.account_id, orders.account_manager,
        converted(orders.value_doc, rates.closing_rate) AS open_orders,
        CASE WHEN rates.closing_rate IS NULL THEN 'no rate for ' || orders.currency END AS open_orders_reason
    FROM open_orders AS orders
    LEFT JOIN core.month_rates AS rates
        ON rates.period_month = orders.period_month AND rates.currency = orders.currency
    UNION ALL BY NAME
    SELECT
        promises.period_month, promises.account_id, promises.account_manager,
        1 AS promises_made,
        (coalesce(promise_cash.amount, 0) >= promises.amount)::INTEGER AS promises_kept
    FROM promises
    LEFT JOIN promise_cash USING (period_month, visit_id)
),

limits AS (
    SELECT
        active.period_month,
        accounts.account_id,
        coalesce(accounts.account_manager, 'unknown') AS account_manager,
        converted(accounts.credit_limit, rates.closing_rate) AS credit_limit,
        1 AS limit_count,
        CASE WHEN rates.closing_rate IS NULL THEN 'no rate for ' || accounts.currency END AS limit_reason
    FROM (SELECT DISTINCT period_month, account_id FROM facts) AS active
    JOIN core.accounts AS accounts ON accounts.account_id = active.account_id AND accounts.credit_limit IS NOT NULL
    LEFT JOIN core.month_rates AS rates
        ON rates.period_month = active.period_month AND rates.currency = accounts.currency
),

all_facts AS (
    SELECT * FROM facts
    UNION ALL BY NAME
    SELECT * FROM limits
    UNION ALL BY NAME
    -- The total has a row in a month without anything.
    SELECT period_month FROM build.periods
),

sums AS (
    SELECT
        period_month,
        CASE
            WHEN grouping(account_id) = 0 THEN 'account'
            WHEN grouping(account_manager) = 0 THEN 'account_manager'
            ELSE 'total'
        END AS level,
        account_id,
        account_manager,
        sum(closing) AS closing,
        min(closing_reason) AS closing_reason,
        sum(not_overdue) AS not_overdue,
        sum(unapplied) AS unapplied,
        min(unapplied_reason) AS unapplied_reason,
        sum(loss) AS loss,
        min(loss_reason) AS loss_reason,
        sum(opening) AS opening,
        min(opening_reason) AS opening_reason,
        sum(expected) AS expected,
        min(expected_reason) AS expected_reason,
        sum(received) AS received,
        min(received_reason) AS received_reason,
        sum(written_off) AS written_off,
        min(written_off_reason) AS written_off_reason,
        sum(billing) AS billing,
        min(billing_reason) AS billing_reason,
        sum(window_billing) AS window_billing,
        min(window_billing_reason) AS window_billing_reason,
        sum(settled) AS settled,
        sum(settled_days) AS settled_days,
        min(settled_reason) AS settled_reason,
        sum(credit_limit) AS credit_limit,
        count(limit_count) AS limit_count,
        min(limit_reason) AS limit_reason,
        sum(open_orders) AS open_orders,
        min(open_orders_reason) AS open_orders_reason,
        coalesce(sum(promises_made), 0) AS promises_made,
        coalesce(sum(promises_kept), 0) AS promises_kept
    FROM all_facts
    GROUP BY GROUPING SETS ((period_month, account_id), (period_month, account_manager), (period_month))
    HAVING
        (grouping(account_id) = 1 OR account_id IS NOT NULL)
        AND (grouping(account_manager) = 1 OR account_manager IS NOT NULL)
),

-- Whatever lacks an amount brings a reason, and a sum with a reason is not shown as if it were whole.
levels AS (
    SELECT
        * REPLACE (
            CASE WHEN closing_reason IS NULL THEN coalesce(closing, 0) END AS closing,
            CASE WHEN closing_reason IS NULL THEN coalesce(not_overdue, 0) END AS not_overdue,
            CASE WHEN unapplied_reason IS NULL THEN coalesce(unapplied, 0) END AS unapplied,
            CASE WHEN loss_reason IS NULL THEN coalesce(loss, 0) END AS loss,
            CASE WHEN opening_reason IS NULL THEN coalesce(opening, 0) END AS opening,
            CASE WHEN expected_reason IS NULL THEN coalesce(expected, 0) END AS expected,
            CASE WHEN received_reason IS NULL THEN coalesce(received, 0) END AS received,
            CASE WHEN written_off_reason IS NULL THEN coalesce(written_off, 0) END AS written_off,
            CASE WHEN billing_reason IS NULL THEN coalesce(billing, 0) END AS billing,
            CASE WHEN window_billing_reason IS NULL THEN coalesce(window_billing, 0) END AS window_billing,
            CASE WHEN settled_reason IS NULL THEN coalesce(settled, 0) END AS settled,
            CASE WHEN settled_reason IS NULL THEN coalesce(settled_days, 0) END AS settled_days,
            CASE WHEN limit_reason IS NULL THEN credit_limit END AS credit_limit,
            CASE WHEN open_orders_reason IS NULL THEN coalesce(open_orders, 0) END AS open_orders
        )
    FROM sums
),

-- Countback: the latest months' billing, month by month backwards, until it makes up the balance.
billing_levels AS (
    SELECT
        CASE
            WHEN grouping(account_id) = 0 THEN 'account'
            WHEN grouping(account_manager) = 0 THEN 'account_manager'
            ELSE 'total'
        END AS level,
        account_id,
        account_manager,
        month_index,
        complete_sum(amount, true) AS amount
    FROM billing
    GROUP BY GROUPING SETS ((month_index, account_id), (month_index, account_manager), (month_index))
),

taken AS (
    SELECT
        levels.period_month,
        levels.level,
        levels.account_id,
        levels.account_manager,
        levels.closing,
        billing.month_index,
        billing.amount,
        sum(billing.amount) OVER backwards AS taken,
        count(*) OVER backwards - count(billing.amount) OVER backwards AS unrated_count
    FROM levels
    JOIN periods USING (period_month)
    JOIN billing_levels AS billing
        ON billing.level = levels.level
        AND billing.account_id IS NOT DISTINCT FROM levels.account_id
        AND billing.account_manager IS NOT DISTINCT FROM levels.account_manager
        AND billing.month_index <= periods.month_index
    WHERE levels.closing > 0
    WINDOW backwards AS (
        PARTITION BY levels.period_month, levels.level, levels.account_id, levels.account_manager
        ORDER BY billing.month_index DESC
        ROWS UNBOUNDED PRECEDING
    )
),

reached AS (
    SELECT
        period_month,
        level,
        account_id,
        account_manager,
        max(month_index) AS month_index,
        arg_max(ratio(closing - (taken - amount), amount), month_index) AS month_share,
        arg_max(unrated_count, month_index) AS unrated_count
    FROM taken
    WHERE taken >= closing AND amount IS NOT NULL
    GROUP BY period_month, level, account_id, account_manager
),

countback AS (
    SELECT
        reached.period_month,
        reached.level,
        reached.account_id,
        reached.account_manager,
        reached.unrated_count,
        money_round(
            (periods.as_of_date - months.as_of_date)
            + reached.month_share * (months.as_of_date - months.start_date + 1)
        ) AS days
    FROM reached
    JOIN periods USING (period_month)
    JOIN core.months AS months ON months.month_index = reached.month_index
),

breaches AS (
    SELECT
        levels.period_month,
        coalesce(accounts.account_manager, 'unknown') AS account_manager,
        levels.closing + levels.open_orders > levels.credit_limit AS is_breach
    FROM levels
    JOIN core.accounts AS accounts ON accounts.account_id = levels.account_id
    WHERE levels.level = 'account' AND levels.limit_count > 0
),

breach_levels AS (
    SELECT
        period_month,
        CASE WHEN grouping(account_manager) = 0 THEN 'account_manager' ELSE 'total' END AS level,
        account_manager,
        count(*) FILTER (WHERE is_breach) AS breach_count,
        count(*) - count(is_breach) AS unknown_count
    FROM breaches
    GROUP BY GROUPING SETS ((period_month, account_manager), (period_month))
),

figures AS (
    SELECT
        levels.period_month,
        levels.level,
        levels.account_id,
        CASE WHEN levels.level = 'account' THEN coalesce(accounts.account_name, 'unknown') END AS account_name,
        CASE
            WHEN levels.level = 'account' THEN coalesce(accounts.account_manager, 'unknown') ELSE levels.account_manager
        END AS account_manager,
        money_round(levels.opening) AS opening_amount,
        levels.opening_reason AS opening_amount_reason,
        money_round(levels.billing) AS billed_amount,
        levels.billing_reason AS billed_amount_reason,
        money_round(levels.window_billing) AS window_billed_amount,
        levels.window_billing_reason AS window_billed_amount_reason,
        periods.window_days,
        money_round(levels.closing) AS closing_amount,
        levels.closing_reason AS closing_amount_reason,
        money_round(levels.not_overdue) AS current_amount,
        coalesce(
            levels.closing_reason,
            levels.window_billing_reason,
            CASE
                WHEN levels.window_billing = 0 THEN 'no billing in the window'
                WHEN levels.window_billing < 0 THEN 'credit notes exceed billing in the window'
            END
        ) AS dso_reason,
        CASE
            WHEN levels.closing = 0 THEN 0
            WHEN countback.unrated_count = 0 THEN countback.days
        END AS dso_countback_days,
        coalesce(
            levels.closing_reason,
            CASE
                WHEN levels.closing < 0 THEN 'credit balance'
                WHEN countback.unrated_count > 0 THEN 'no rate at a document date'
                ELSE 'history exhausted'
            END
        ) AS countback_reason,
        money_round(levels.settled) AS settled_amount,
        levels.settled_days,
        levels.settled_reason,
        money_round(levels.expected) AS expected_receipts,
        levels.expected_reason AS expected_receipts_reason,
        money_round(levels.received) AS actual_receipts,
        levels.received_reason AS actual_receipts_reason,
        money_round(levels.credit_limit) AS credit_limit,
        CASE WHEN levels.limit_count = 0 THEN 'no credit limit' ELSE levels.limit_reason END AS credit_limit_reason,
        money_round(levels.closing + levels.open_orders) AS exposure,
        coalesce(levels.closing_reason, levels.open_orders_reason) AS exposure_reason,
        breach_levels.breach_count,
        breach_levels.unknown_count AS breach_unknown_count,
        money_round(levels.written_off) AS written_off,
        levels.written_off_reason,
        money_round(levels.unapplied) AS unapplied_cash,
        levels.unapplied_reason AS unapplied_cash_reason,
        CASE WHEN settings.loss_method = 'matrix' THEN money_round(levels.loss) END AS expected_credit_loss,
        CASE settings.loss_method
            WHEN 'matrix' THEN levels.loss_reason
            WHEN 'none' THEN 'no loss rates in the settings'
            ELSE 'no roll rates observed'
        END AS expected_credit_loss_reason,
        levels.promises_made,
        levels.promises_kept
    FROM levels
    JOIN periods USING (period_month)
    CROSS JOIN build.settings AS settings
    LEFT JOIN core.accounts AS accounts ON accounts.account_id = levels.account_id
    LEFT JOIN countback
        ON countback.period_month = levels.period_month
        AND countback.level = levels.level
        AND countback.account_id IS NOT DISTINCT FROM levels.account_id
        AND countback.account_manager IS NOT DISTINCT FROM levels.account_manager
    LEFT JOIN breach_levels
        ON breach_levels.period_month = levels.period_month
        AND breach_levels.level = levels.level
        AND breach_levels.account_manager IS NOT DISTINCT FROM levels.account_manager
),

rates AS (
    SELECT
        *,
        closing_amount - current_amount AS overdue_amount,
        CASE WHEN dso_reason IS NULL THEN money_round(ratio(closing_amount, window_billed_amount) * window_days) END
            AS dso_days,
        CASE WHEN dso_reason IS NULL THEN money_round(ratio(current_amount, window_billed_amount) * window_days) END
            AS best_possible_dso_days,
        ratio(
            opening_amount + billed_amount - closing_amount, opening_amount + billed_amount - current_amount
        ) AS collection_effectiveness_ratio,
        coalesce(opening_amount_reason, billed_amount_reason, closing_amount_reason, 'nothing to collect')
            AS collection_effectiveness_reason,
        coalesce(
            closing_amount_reason,
            CASE WHEN closing_amount = 0 THEN 'nothing outstanding' WHEN closing_amount < 0 THEN 'credit balance' END
        ) AS overdue_reason,
        CASE
            WHEN level = 'account' AND credit_limit IS NOT NULL THEN exposure > credit_limit
            -- One account above its limit is enough; none is only certain when every one is known.
            WHEN breach_count > 0 THEN true
            WHEN breach_unknown_count = 0 THEN false
        END AS credit_breach
    FROM figures
)

SELECT
    * EXCLUDE (
        dso_reason, countback_reason, settled_days, settled_reason, breach_count, breach_unknown_count,
        collection_effectiveness_ratio, collection_effectiveness_reason, overdue_reason
    ),
    dso_reason AS dso_days_reason,
    CASE WHEN dso_countback_days IS NULL THEN countback_reason END AS dso_countback_days_reason,
    dso_reason AS best_possible_dso_days_reason,
    dso_days - best_possible_dso_days AS average_days_delinquent,
    dso_reason AS average_days_delinquent_reason,
    money_round(ratio(settled_days, settled_amount)) AS weighted_days_late,
    CASE
        WHEN ratio(settled_days, settled_amount) IS NULL THEN coalesce(settled_reason, 'nothing settled in the month')
    END AS weighted_days_late_reason,
    collection_effectiveness_ratio,
    CASE WHEN collection_effectiveness_ratio IS NULL THEN collection_effectiveness_reason END
        AS collection_effectiveness_ratio_reason,
    CASE WHEN overdue_reason IS NULL THEN ratio(overdue_amount, closing_amount) END AS overdue_ratio,
    overdue_reason AS overdue_ratio_reason,
    ratio(actual_receipts, expected_receipts) AS collection_ratio,
    CASE
        WHEN ratio(actual_receipts, expected_receipts) IS NULL
            THEN coalesce(actual_receipts_reason, expected_receipts_reason, 'nothing expected')
    END AS collection_ratio_reason,
    CASE WHEN level = 'account' THEN ratio(exposure, credit_limit) END AS credit_use_ratio,
    CASE
        WHEN level <> 'account' THEN 'by account only'
        WHEN ratio(exposure, credit_limit) IS NULL
            THEN coalesce(credit_limit_reason, exposure_reason, 'credit limit is zero')
    END AS credit_use_ratio_reason,
    CASE
        WHEN credit_breach IS NULL
            THEN coalesce(credit_limit_reason, exposure_reason, 'exposure of an account is not known')
    END AS credit_breach_reason,
    CASE WHEN level = 'account' THEN coalesce(credit_breach, false)::INTEGER ELSE coalesce(breach_count, 0) END
        AS credit_breach_count,
    ratio(promises_kept, promises_made) AS promise_kept_ratio,
    CASE WHEN promises_made = 0 THEN 'no promise fell due in the month' END AS promise_kept_ratio_reason
FROM rates
