-- fmt: off
-- grain: feed of events
-- why: how far the books go, by what they say themselves: the only "today" that a rule may know
-- columns:
--   feed         VARCHAR
--   newest_date  DATE
-- fmt: on
select 'orders' as feed, max(order_date) as newest_date
from core.orders
union all
select 'deliveries', max(delivered_date)
from core.deliveries
union all
select 'invoices', max(invoice_date)
from core.invoices
union all
select 'payments', max(payment_date)
from core.payments
union all
select 'visits', max(visit_date)
from core.visits
