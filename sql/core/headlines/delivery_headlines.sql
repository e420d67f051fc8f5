-- fmt: off
-- grain: month with deliveries due × account × measure
-- why: how many lines came on time and in full, by the basis that the rating of the account counts by, and how much was rejected
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
select
    totals.period_month as looked_month,
    totals.account_id,
    'delivery_performance.otif_ratio' as measure,
    shown_ratio(ratio(totals.otif_count, totals.line_count))::decimal(36, 6) as figure,
    'basis ' || totals.basis as look_at
from core.delivery_month_totals as totals
cross join core.delivery_records as records
join
    core.rating_rules as rules
    on rules.period_month = totals.period_month
    and rules.account_id = totals.account_id
    and rules.delivery_basis = totals.basis
where records.no_deliveries is null
union all by name
select
    totals.period_month as looked_month,
    totals.account_id,
    'quality_performance.ppm' as measure,
    shown_ratio(ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity))::decimal(36, 6) as figure,
    null as look_at
from core.delivery_quality_totals as totals
cross join core.delivery_records as records
where
    records.no_deliveries is null
    and records.rejects_are_recorded
    and totals.delivered_units.least is not distinct from totals.delivered_units.greatest
