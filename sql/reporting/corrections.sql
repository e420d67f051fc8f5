-- fmt: off
-- grain: period_month, feed, key, column_name
-- why: the known source errors that were corrected for the newest version of each month, and who answers for them
-- columns:
--   period_month   DATE
--   close_version  BIGINT
--   feed           VARCHAR  The feed that was wrong
--   key            VARCHAR  Key of the row
--   column_name    VARCHAR  Column that was wrong
--   wrong_value    VARCHAR  What the source says; NULL for an empty cell
--   right_value    VARCHAR  The value used instead; NULL for an empty cell
--   reason         VARCHAR  Why the source is wrong
--   owner          VARCHAR  Who answers for the correction and has the source fixed
--   state          VARCHAR  applied, or not yet loaded when the row came with a later load than the version knows
-- fmt: on
select
    corrections.period_month,
    corrections.close_version,
    corrections.feed,
    corrections.key,
    corrections.column_name,
    corrections.wrong_value,
    corrections.right_value,
    corrections.reason,
    corrections.owner,
    corrections.state
from ops.corrections as corrections
semi join
    (select period_month, max(close_version) as close_version from ops.shown_closes group by period_month) as newest
    on newest.period_month = corrections.period_month
    and newest.close_version = corrections.close_version
