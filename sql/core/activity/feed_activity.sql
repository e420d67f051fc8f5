-- grain: feed × business month × account × product × currency
-- why: what the feeds of events hold for the months to build and the twelve before each, counted once for all rules that compare a
--   month with those before it; deliveries have no account, and only order and invoice lines a product
WITH wanted AS (
    SELECT DISTINCT months.period_month, months.month_index
    FROM core.months AS months
    JOIN build.periods AS periods ON months.month_index BETWEEN periods.month_index - 12 AND periods.month_index
),

days AS (
    SELECT days.calendar_date, wanted.period_month, wanted.month_index
    FROM core.days AS days
    JOIN wanted ON wanted.period_month = days.period_month
),

-- A line is sold when goods were ordered or invoiced, free of charge too: credits, debits, rebates and cancelled orders are not.
events AS (
    SELECT
        'orders' AS feed,
        order_date AS event_date,
        order_date AS happened_on,
        account_id,
        product_id,
        currency,
        CASE WHEN status IS DISTINCT FROM 'cancelled' AND quantity > 0 THEN quantity END AS sold_quantity,
        nullif(quantity::DECIMAL(28, 4) * unit_price, 0) AS amount_doc
    FROM core.orders
    UNION ALL
    SELECT
        'invoices',
        invoice_date,
        invoice_date,
        account_id,
        product_id,
        currency,
        CASE WHEN document_type = 'invoice' AND quantity > 0 THEN quantity END,
        nullif(net_amount, 0)
    FROM core.invoices
    UNION ALL
    SELECT 'payments', payment_date, payment_date, account_id, NULL, NULL, NULL, NULL FROM core.payments
    UNION ALL
    SELECT 'deliveries', delivered_date, delivered_date, NULL, NULL, NULL, NULL, NULL FROM core.deliveries
    UNION ALL
    -- A visit that was planned belongs to its month, but only one that was held has happened.
    SELECT 'visits', coalesce(visit_date, planned_date), visit_date, account_id, NULL, NULL, NULL, NULL FROM core.visits
)

SELECT
    events.feed,
    days.period_month,
    days.month_index,
    events.account_id,
    events.product_id,
    events.currency,
    count(*) AS row_count,
    max(events.happened_on) AS newest_date,
    count(events.sold_quantity) AS sold_count,
    sum(events.sold_quantity) AS sold_quantity,
    sum(events.sold_quantity) FILTER (WHERE events.amount_doc IS NOT NULL) AS priced_quantity,
    sum(events.amount_doc) FILTER (WHERE events.sold_quantity IS NOT NULL) AS priced_amount_doc
FROM events
JOIN days ON days.calendar_date = events.event_date
GROUP BY ALL
