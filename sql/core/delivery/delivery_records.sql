-- grain: one row
-- why: a source that never says what was rejected does not say that nothing was; its parts per million are unknown, not 0
SELECT
    (SELECT count(rejected_quantity) FROM core.deliveries) + (SELECT count(rejected_quantity) FROM core.orders) > 0
        AS rejects_are_recorded
