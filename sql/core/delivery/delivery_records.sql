-- fmt: off
-- grain: one row
-- why: a source that never says what was delivered or rejected does not say that nothing was: what depends on it is unknown, not 0
-- columns:
--   no_deliveries         VARCHAR
--   rejects_are_recorded  BOOLEAN
-- fmt: on
select
    coalesce(
        undeclared_reason('orders', settings.declared_feeds),
        case
            when
                not list_contains(settings.declared_feeds, 'deliveries')
                and (select count(delivered_date) from core.orders) = 0
            then 'the feed deliveries is not declared, and orders have no delivered_date'
        end
    ) as no_deliveries,
    (select count(rejected_quantity) from core.deliveries) + (select count(rejected_quantity) from core.orders)
    > 0 as rejects_are_recorded
from build.settings as settings
