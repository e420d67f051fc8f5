-- grain: period_month, feed, key, column_name
-- why: the known source errors that the newest version of each month was computed without, and who answers for them
-- columns:
--   period_month   DATE     The month closed, as its first day
--   close_version  BIGINT   Version of the close
--   feed           VARCHAR  The feed that was wrong
--   key            VARCHAR  Key of the row
--   column_name    VARCHAR  Column that was wrong
--   wrong_value    VARCHAR  What the source says; NULL for an empty cell
--   right_value    VARCHAR  What was computed with in its place; NULL for an empty cell
--   reason         VARCHAR  Why the source is wrong
--   owner          VARCHAR  Who answers for the correction and has the source mended
--   state          VARCHAR  applied, or not yet loaded when the row came with a later load than the version knows
SELECT
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
FROM ops.corrections AS corrections
SEMI JOIN (SELECT period_month, max(close_version) AS close_version FROM ops.closes GROUP BY period_month) AS newest
    ON newest.period_month = corrections.period_month AND newest.close_version = corrections.close_version
