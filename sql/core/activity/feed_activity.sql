-- fmt: off
-- grain: feed × business month × account × product × currency
-- why: what the feeds of events hold for the months to build and the twelve before each, counted once for all rules that compare a
--   month with those before it; deliveries have no account, and only order and invoice lines a product
-- columns:
--   feed               VARCHAR
--   period_month       DATE
--   month_index        INTEGER
--   account_id         VARCHAR
--   product_id         VARCHAR
--   currency           VARCHAR
--   row_count          BIGINT
--   newest_date        DATE
--   sold_count         BIGINT
--   sold_quantity      DECIMAL(38,4)
--   priced_quantity    DECIMAL(38,4)
--   priced_amount_doc  DECIMAL(38,8)
-- fmt: on
with
    wanted as (
        select distinct months.period_month, months.month_index
        from core.months as months
        join build.periods as periods on months.month_index between periods.month_index - 12 and periods.month_index
    ),

    days as (
        select days.calendar_date, wanted.period_month, wanted.month_index
        from core.days as days
        join wanted on wanted.period_month = days.period_month
    ),

    -- A line is sold when goods were ordered or invoiced, free of charge too: credits, debits, rebates and cancelled
    -- orders are not.
    events as (
        select
            'orders' as feed,
            order_date as event_date,
            order_date as happened_on,
            account_id,
            product_id,
            currency,
            case when status is distinct from 'cancelled' and quantity > 0 then quantity end as sold_quantity,
            nullif(quantity::decimal(28, 4) * unit_price, 0) as amount_doc
        from core.orders
        union all
        select
            'invoices',
            invoice_date,
            invoice_date,
            account_id,
            product_id,
            currency,
            case when document_type = 'invoice' and quantity > 0 then quantity end,
            nullif(net_amount, 0)
        from core.invoices
        union all
        select 'payments', payment_date, payment_date, account_id, null, null, null, null
        from core.payments
        union all
        select 'deliveries', delivered_date, delivered_date, null, null, null, null, null
        from core.deliveries
        union all
        -- A visit that was planned belongs to its month, but only one that was held has happened.
        select 'visits', coalesce(visit_date, planned_date), visit_date, account_id, null, null, null, null
        from core.visits
    )

select
    events.feed,
    days.period_month,
    days.month_index,
    events.account_id,
    events.product_id,
    events.currency,
    count(*) as row_count,
    max(events.happened_on) as newest_date,
    count(events.sold_quantity) as sold_count,
    sum(events.sold_quantity) as sold_quantity,
    sum(events.sold_quantity) filter (where events.amount_doc is not null) as priced_quantity,
    sum(events.amount_doc) filter (where events.sold_quantity is not null) as priced_amount_doc
from events
join days on days.calendar_date = events.event_date
group by all
