-- fmt: off
-- grain: period_month, close_version
-- why: who closed which month when, from which load, and why it was closed again
-- columns:
--   period_month   DATE
--   close_version  BIGINT
--   is_newest      BOOLEAN    Whether the reporting views show this version
--   verdict        VARCHAR    good, or warning when a check of that severity failed
--   as_of_load     BIGINT
--   closed_at      TIMESTAMP  When the version was committed, in UTC
--   closed_by      VARCHAR    Who ran the close
--   reason         VARCHAR    Why the month was closed again; an empty text for the first version
--   content_hash   VARCHAR    Hash of all rows of the version, without load ids and times
--   settings_hash  VARCHAR    Hash of the settings that decide figures
--   models_hash    VARCHAR    Hash of the SQL models
-- fmt: on
select
    period_month,
    close_version,
    close_version = max(close_version) over (partition by period_month) as is_newest,
    verdict,
    as_of_load,
    closed_at,
    closed_by,
    reason,
    content_hash,
    settings_hash,
    models_hash
from ops.closes
