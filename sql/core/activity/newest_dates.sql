-- grain: feed of events
-- why: how far the books go, by what they say themselves: the only "today" that a rule may know
SELECT 'orders' AS feed, max(order_date) AS newest_date FROM core.orders
UNION ALL
SELECT 'deliveries', max(delivered_date) FROM core.deliveries
UNION ALL
SELECT 'invoices', max(invoice_date) FROM core.invoices
UNION ALL
SELECT 'payments', max(payment_date) FROM core.payments
UNION ALL
SELECT 'visits', max(visit_date) FROM core.visits
