-- fmt: off
-- grain: period_month
-- why: which months failed at the last attempt to close them, and why
-- columns:
--   period_month  DATE       here: The month, as its first day
--   last_version  BIGINT     [number; none] The version that readers still see; 0 = none
--   as_of_load    BIGINT
--   failed_at     TIMESTAMP  When the close was tried, in UTC
--   failed_by     VARCHAR    Who tried to close the month
--   message       VARCHAR    The critical checks that failed, with counts and keys
-- fmt: on
select *
from ops.failed_closes
