-- fmt: off
-- grain: period_month, bucket_no
-- why: the ageing buckets in their order, as the settings had them at the close
-- method: ageing-buckets-1
-- lines: none because they are settings: [receivables] in kam.toml
-- columns:
--   period_month  DATE
--   bucket_no     BIGINT
--   bucket        VARCHAR
--   lower_days    INTEGER        [days; none] Fewest days overdue in the bucket; NULL in the first
--   upper_days    INTEGER        [days; none] Most days overdue in the bucket; NULL in the last
--   loss_rate     DECIMAL(18,6)  [fraction; none] Share that is expected to be lost; NULL where the settings name none
-- fmt: on
select
    periods.period_month, buckets.bucket_no, buckets.bucket, buckets.lower_days, buckets.upper_days, buckets.loss_rate
from build.bucket_bounds as buckets
cross join build.periods as periods
