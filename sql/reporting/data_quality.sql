-- grain: period_month, check_name
-- why: what was checked before the newest version of each month was published, and what failed
-- columns:
--   period_month   DATE     The month closed, as its first day
--   close_version  BIGINT   Version of the close
--   check_name     VARCHAR  Name of the business rule
--   suite          VARCHAR  Suite the rule belongs to: a feed or a group of result tables
--   table_name     VARCHAR  The table it looks at
--   severity       VARCHAR  critical (not published), warning (published with a banner) or info (trend)
--   sentence       VARCHAR  The rule as a business sentence
--   owner          VARCHAR  Who acts on it
--   if_it_fails    VARCHAR  What it would break, and what to do
--   success        BOOLEAN  Whether no row broke the rule
--   checked_count  BIGINT   Rows looked at
--   failed_count   BIGINT   Rows that broke the rule
--   sample_keys    VARCHAR  Up to 200 offending keys, as JSON
SELECT checks.*
FROM ops.checks AS checks
SEMI JOIN (SELECT period_month, max(close_version) AS close_version FROM ops.closes GROUP BY period_month) AS newest
    ON newest.period_month = checks.period_month AND newest.close_version = checks.close_version
