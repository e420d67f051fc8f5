-- fmt: off
-- grain: business month × account × basis
-- why: the lines due are read once, for the delivery figures of the months built and the scores of the months before
-- columns:
--   period_month      DATE
--   account_id        VARCHAR
--   basis             VARCHAR
--   line_count        BIGINT
--   on_time_count     HUGEINT
--   in_full_count     HUGEINT
--   otif_count        HUGEINT
--   late_count        HUGEINT
--   open_late_count   HUGEINT
--   quantity_due      DECIMAL(38,4)
--   quantity_on_time  DECIMAL(38,4)
--   days_late         HUGEINT
--   quantity_reason   VARCHAR
-- fmt: on
select
    period_month,
    account_id,
    basis,
    count(*) as line_count,
    count_if(is_on_time) as on_time_count,
    count_if(is_in_full) as in_full_count,
    count_if(is_on_time and is_in_full) as otif_count,
    count_if(is_late) as late_count,
    count_if(is_open) as open_late_count,
    sum(quantity) as quantity_due,
    sum(on_time_quantity) as quantity_on_time,
    coalesce(sum(days_late) filter (is_late), 0) as days_late,
    units_reason(min(unit) <> max(unit)) as quantity_reason
from core.order_due_lines
group by period_month, account_id, basis
