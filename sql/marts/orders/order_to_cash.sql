-- fmt: off
-- grain: period_month, account_id
-- why: where the time goes between order and cash. Looks at the lines of the invoices whose last open cent was settled in
--   the month, weighted by their gross amount at the rate of that day
-- method: order-to-cash-1
-- needs: receivables
-- lines: core.invoices where line.document_type <> 'credit_note' and (figure.period_month, figure.account_id, line.invoice_id) in (select
--     (items.period_month, items.account_id, items.invoice_id) from core.receivable_settled_items as items anti join
--     core.receivable_open_items as still_open on still_open.period_month = items.period_month and still_open.item_type = 'invoice' and
--     still_open.document_id = items.invoice_id) sums line_count = 1
-- columns:
--   period_month                         DATE
--   account_id                           VARCHAR
--   account_name                         VARCHAR
--   account_manager                      VARCHAR
--   line_count                           BIGINT         [count; sum] Lines of the invoices settled in the month
--   amount                               DECIMAL(32,2)  [reporting currency; sum] Gross amount of these lines
--   amount_reason                        VARCHAR
--   order_to_delivery_amount_days        DECIMAL(32,2)  [money times days; sum; less is better] Σ amount × days, of the lines that have both dates
--   order_to_delivery_amount             DECIMAL(32,2)  [reporting currency; sum] Amount of the lines that have both dates
--   order_to_delivery_days               DECIMAL(36,6)  [days; ratio of order_to_delivery_amount_days ÷ order_to_delivery_amount; less is better] Days from the order to the last delivery of its line
--   order_to_delivery_days_reason        VARCHAR
--   delivery_to_invoice_amount_days      DECIMAL(32,2)  [money times days; sum; less is better] Σ amount × days, of the lines that have both dates
--   delivery_to_invoice_amount           DECIMAL(32,2)  [reporting currency; sum] Amount of the lines that have both dates
--   delivery_to_invoice_days             DECIMAL(36,6)  [days; ratio of delivery_to_invoice_amount_days ÷ delivery_to_invoice_amount; less is better] Days from that delivery to the invoice; negative where the invoice came first
--   delivery_to_invoice_days_reason      VARCHAR
--   invoice_to_acceptance_amount_days    DECIMAL(32,2)  [money times days; sum; less is better] Σ amount × days, of the lines that have both dates
--   invoice_to_acceptance_amount         DECIMAL(32,2)  [reporting currency; sum] Amount of the lines that have both dates
--   invoice_to_acceptance_days           DECIMAL(36,6)  [days; ratio of invoice_to_acceptance_amount_days ÷ invoice_to_acceptance_amount; less is better] Days from the invoice to the day on which the customer booked it
--   invoice_to_acceptance_days_reason    VARCHAR
--   invoice_to_due_amount_days           DECIMAL(32,2)  [money times days; sum] Σ amount × days, of the lines that have both dates
--   invoice_to_due_amount                DECIMAL(32,2)  [reporting currency; sum] Amount of the lines that have both dates
--   invoice_to_due_days                  DECIMAL(36,6)  [days; ratio of invoice_to_due_amount_days ÷ invoice_to_due_amount] Days from the invoice to its due date; with instalments, to the last one
--   invoice_to_due_days_reason           VARCHAR
--   due_to_cash_amount_days              DECIMAL(32,2)  [money times days; sum; less is better] Σ amount × days, of the lines that have both dates
--   due_to_cash_amount                   DECIMAL(32,2)  [reporting currency; sum] Amount of the lines that have both dates
--   due_to_cash_days                     DECIMAL(36,6)  [days; ratio of due_to_cash_amount_days ÷ due_to_cash_amount; less is better] Days from the due date to the last settlement; negative where it came early
--   due_to_cash_days_reason              VARCHAR
-- fmt: on
with
    settled as (
        select periods.period_month, periods.as_of_date, items.invoice_id, max(items.settled_date) as cash_date
        from core.receivable_settled_items as items
        join build.periods as periods on periods.period_month = items.period_month
        -- An invoice of several instalments is settled with the last of them.
        anti join
            core.receivable_open_items as open_items
            on open_items.period_month = items.period_month
            and open_items.item_type = 'invoice'
            and open_items.document_id = items.invoice_id
        group by periods.period_month, periods.as_of_date, items.invoice_id
    ),

    last_instalments as (
        select invoice_id, max(due_date) as due_date from core.receivable_instalments group by invoice_id
    ),

    lines as (
        select
            settled.period_month,
            settled.as_of_date,
            settled.cash_date,
            documents.account_id,
            documents.currency,
            documents.document_date as invoice_date,
            coalesce(last_instalments.due_date, documents.due_date) as due_date,
            invoices.invoice_id,
            invoices.line_no,
            invoices.order_id,
            invoices.order_line_no,
            case when invoices.accepted_date <= settled.as_of_date then invoices.accepted_date end as accepted_date,
            invoices.net_amount + invoices.tax_amount as amount_doc
        from settled
        join core.receivable_documents as documents on documents.invoice_id = settled.invoice_id
        join
            core.invoices as invoices
            on invoices.invoice_id = settled.invoice_id
            and invoices.document_type <> 'credit_note'
        left join last_instalments on last_instalments.invoice_id = settled.invoice_id
    ),

    last_deliveries as (
        select lines.period_month, lines.invoice_id, lines.line_no, max(deliveries.delivered_date) as delivered_date
        from lines
        join
            core.deliveries as deliveries
            on deliveries.order_id = lines.order_id
            and deliveries.order_line_no = lines.order_line_no
            and deliveries.delivered_date <= lines.as_of_date
        group by lines.period_month, lines.invoice_id, lines.line_no
    ),

    dated as (
        select
            lines.*,
            orders.order_date,
            coalesce(
                last_deliveries.delivered_date,
                case when orders.delivered_date <= lines.as_of_date then orders.delivered_date end
            ) as delivered_date,
            converted(lines.amount_doc, rates.rate) as amount,
            rate_reason(rates.rate, lines.currency) as amount_reason
        from lines
        left join core.orders as orders on orders.order_id = lines.order_id and orders.line_no = lines.order_line_no
        left join
            last_deliveries
            on last_deliveries.period_month = lines.period_month
            and last_deliveries.invoice_id = lines.invoice_id
            and last_deliveries.line_no = lines.line_no
        left join core.daily_rates as rates on rates.currency = lines.currency and rates.rate_date = lines.cash_date
    ),

    steps as (
        select
            *,
            delivered_date - order_date as order_to_delivery,
            invoice_date - delivered_date as delivery_to_invoice,
            accepted_date - invoice_date as invoice_to_acceptance,
            due_date - invoice_date as invoice_to_due,
            cash_date - due_date as due_to_cash
        from dated
    ),

    totals as (
        select
            period_month,
            account_id,
            count(*) as line_count,
            complete_sum(amount, true) as amount,
            min(amount_reason) as amount_reason,
            complete_sum(amount * order_to_delivery, order_to_delivery is not null) as order_to_delivery_amount_days,
            complete_sum(amount, order_to_delivery is not null) as order_to_delivery_amount,
            complete_sum(
                amount * delivery_to_invoice, delivery_to_invoice is not null
            ) as delivery_to_invoice_amount_days,
            complete_sum(amount, delivery_to_invoice is not null) as delivery_to_invoice_amount,
            complete_sum(
                amount * invoice_to_acceptance, invoice_to_acceptance is not null
            ) as invoice_to_acceptance_amount_days,
            complete_sum(amount, invoice_to_acceptance is not null) as invoice_to_acceptance_amount,
            complete_sum(amount * invoice_to_due, invoice_to_due is not null) as invoice_to_due_amount_days,
            complete_sum(amount, invoice_to_due is not null) as invoice_to_due_amount,
            complete_sum(amount * due_to_cash, due_to_cash is not null) as due_to_cash_amount_days,
            complete_sum(amount, due_to_cash is not null) as due_to_cash_amount
        from steps
        group by period_month, account_id
    )

select
    totals.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    shown_ratio(ratio(order_to_delivery_amount_days, order_to_delivery_amount)) as order_to_delivery_days,
    case
        when order_to_delivery_amount is null
        then amount_reason
        when order_to_delivery_amount = 0
        then 'no amount has both dates'
    end as order_to_delivery_days_reason,
    shown_ratio(ratio(delivery_to_invoice_amount_days, delivery_to_invoice_amount)) as delivery_to_invoice_days,
    case
        when delivery_to_invoice_amount is null
        then amount_reason
        when delivery_to_invoice_amount = 0
        then 'no amount has both dates'
    end as delivery_to_invoice_days_reason,
    shown_ratio(ratio(invoice_to_acceptance_amount_days, invoice_to_acceptance_amount)) as invoice_to_acceptance_days,
    case
        when invoice_to_acceptance_amount is null
        then amount_reason
        when invoice_to_acceptance_amount = 0
        then 'no amount has both dates'
    end as invoice_to_acceptance_days_reason,
    shown_ratio(ratio(invoice_to_due_amount_days, invoice_to_due_amount)) as invoice_to_due_days,
    case
        when invoice_to_due_amount is null
        then amount_reason
        when invoice_to_due_amount = 0
        then 'no amount has both dates'
    end as invoice_to_due_days_reason,
    shown_ratio(ratio(due_to_cash_amount_days, due_to_cash_amount)) as due_to_cash_days,
    case
        when due_to_cash_amount is null then amount_reason when due_to_cash_amount = 0 then 'no amount has both dates'
    end as due_to_cash_days_reason
from totals
left join core.accounts as accounts on accounts.account_id = totals.account_id
