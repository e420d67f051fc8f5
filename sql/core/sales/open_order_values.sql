-- fmt: off
-- grain: month built × account × manager × currency with open orders at the month's end
-- why: what is ordered and not delivered yet, at order prices: it will be owed. It counts in the credit exposure only
--   where the settings say so, and there are no rows where they do not
-- lines: core.orders by account_id, currency where line.cancelled_date is null and coalesce(line.status <> 'closed', true)
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   currency         VARCHAR
--   amount_doc       DECIMAL(34,4)
--   amount           DECIMAL(32,2)
--   amount_reason    VARCHAR
-- fmt: on
with
    open_lines as (
        select
            orders.order_id,
            orders.line_no,
            orders.account_id,
            known(coalesce(orders.account_manager, accounts.account_manager)) as account_manager,
            orders.currency,
            orders.order_date,
            orders.quantity,
            orders.unit_price,
            orders.delivered_date,
            orders.cancelled_date,
            coalesce(orders.status = 'closed', false) as is_closed,
            coalesce(orders.delivered_quantity, orders.quantity) as delivered_quantity
        from core.orders as orders
        left join core.accounts as accounts on accounts.account_id = orders.account_id
        where
            (select credit_exposure from build.settings) = 'outstanding_and_open_orders'
            and not never_counts(orders.status, orders.cancelled_date)
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
        union all
        -- A cancellation takes off what is open by then, as a delivery of all would.
        select order_id, line_no, cancelled_date, quantity
        from open_lines
        where cancelled_date is not null
    ),

    deliveries_so_far as (
        select
            lines.account_id,
            lines.account_manager,
            lines.currency,
            lines.unit_price,
            greatest(deliveries.delivered_date, lines.order_date) as event_date,
            lines.quantity as ordered,
            case when lines.is_closed then lines.quantity else sum(deliveries.quantity) over so_far end as delivered,
            -- The first delivery of a line that was closed takes off the rest, too: its status has no date.
            case
                when not lines.is_closed
                then deliveries.quantity
                when row_number() over so_far = 1
                then lines.quantity
                else 0
            end as delivered_now
        from open_lines as lines
        join line_deliveries as deliveries using (order_id, line_no)
        window
            so_far as (
                partition by lines.order_id, lines.line_no
                order by deliveries.delivered_date, deliveries.quantity
                rows unbounded preceding
            )
    ),

    -- When a closed line without deliveries was closed, nobody can tell: it is left out.
    dated_lines as (
        from open_lines
        where not is_closed
        union all
        from (from open_lines semi join line_deliveries using (order_id, line_no))
        where is_closed
    ),

    -- What an order adds on its day, and what each delivery takes off, at most what was ordered.
    events as (
        select
            account_id,
            account_manager,
            currency,
            order_date as event_date,
            (quantity::decimal(28, 4) * unit_price)::decimal(36, 6) as value_doc
        from dated_lines
        union all
        select
            account_id,
            account_manager,
            currency,
            event_date,
            - (
                (least(delivered, ordered) - least(delivered - delivered_now, ordered))::decimal(28, 4) * unit_price
            )::decimal(36, 6)
        from deliveries_so_far
    ),

    changes as (
        select
            events.account_id,
            events.account_manager,
            events.currency,
            cutoffs.snapshot_no,
            sum(events.value_doc) as value_doc
        from events
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = events.event_date
        where cutoffs.snapshot_no is not null
        group by events.account_id, events.account_manager, events.currency, cutoffs.snapshot_no
    ),

    open_orders as (
        select
            periods.period_month,
            changes.account_id,
            changes.account_manager,
            changes.currency,
            sum(changes.value_doc)::decimal(34, 4) as amount_doc
        from changes
        join core.receivable_periods as periods on periods.closing_no >= changes.snapshot_no
        group by periods.period_month, changes.account_id, changes.account_manager, changes.currency
        having sum(changes.value_doc) <> 0
    )

select
    orders.period_month,
    orders.account_id,
    orders.account_manager,
    orders.currency,
    orders.amount_doc,
    converted(orders.amount_doc, rates.closing_rate) as amount,
    rate_reason(rates.closing_rate, orders.currency) as amount_reason
from open_orders as orders
left join core.month_rates as rates on rates.period_month = orders.period_month and rates.currency = orders.currency
