-- fmt: off
-- grain: period_month, check_name
-- why: what was checked at the last close of each month, or at a failed attempt since then
-- columns:
--   period_month       DATE           here: The month, as its first day
--   close_version      BIGINT         here: Version of the close; NULL where the last attempt failed and was not published
--   check_name         VARCHAR
--   suite              VARCHAR        Suite the rule belongs to: a feed or a group of result tables
--   table_name         VARCHAR        The table it looks at
--   severity           VARCHAR        critical (not published), warning (published with a banner) or info (trend)
--   sentence           VARCHAR        The rule as a business sentence
--   finding            VARCHAR        What is wrong with the data, with its counts; NULL where the rule held, and for months closed before it was recorded
--   owner              VARCHAR        Who acts on it
--   if_it_fails        VARCHAR        What it would break, and what to do
--   threshold          DECIMAL(18,6)  [as the row says; none] Where the rule draws the line; NULL for months closed before it was recorded
--   threshold_meaning  VARCHAR        What the threshold is, with its unit
--   success            BOOLEAN        Whether no more rows broke the rule than it allows
--   checked_count      BIGINT         [count; sum] Rows looked at
--   failed_count       BIGINT         [count; sum] Rows that broke the rule
--   sample_keys        VARCHAR        Up to 200 offending keys, as JSON
-- fmt: on
select
    checks.period_month,
    nullif(checks.close_version, 0) as close_version,
    checks.check_name,
    checks.suite,
    checks.table_name,
    checks.severity,
    checks.sentence,
    checks.finding,
    checks.owner,
    checks.if_it_fails,
    checks.threshold,
    checks.threshold_meaning,
    checks.success,
    checks.checked_count,
    checks.failed_count,
    checks.sample_keys
from ops.checks as checks
semi join
    (
        select period_month, min(close_version) as close_version
        from
            (
                select period_month, max(close_version) as close_version
                from ops.shown_closes
                group by period_month
                union all
                select period_month, 0
                from ops.failed_closes
            )
        group by period_month
    ) as newest
    on newest.period_month = checks.period_month
    and newest.close_version = checks.close_version
