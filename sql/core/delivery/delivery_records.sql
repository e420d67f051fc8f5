-- fmt: off
-- grain: one row
-- why: a source that never says what was rejected does not say that nothing was; its parts per million are unknown, not 0
-- columns:
--   rejects_are_recorded  BOOLEAN
-- fmt: on
select
    (select count(rejected_quantity) from core.deliveries) + (select count(rejected_quantity) from core.orders)
    > 0 as rejects_are_recorded
