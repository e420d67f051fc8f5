-- fmt: off
-- grain: period_month, check_name, failure_no
-- why: which rows broke a rule at the last close of each month, or at a failed attempt since then
-- columns:
--   period_month   DATE     here: The month, as its first day
--   close_version  BIGINT   here: Version of the close; NULL where the last attempt failed and was not published
--   check_name     VARCHAR
--   failure_no     BIGINT   [number; none] 1 to 200: the first failing rows
--   keys           VARCHAR  What identifies the row, and the figures that do not agree, as JSON
-- fmt: on
select quality.period_month, quality.close_version, failures.check_name, failures.failure_no, failures.keys
from ops.check_failures as failures
join
    reporting.data_quality as quality
    on quality.period_month = failures.period_month
    and quality.check_name = failures.check_name
    and coalesce(quality.close_version, 0) = failures.close_version
