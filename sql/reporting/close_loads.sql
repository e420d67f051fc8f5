-- grain: period_month, close_version, load_id
-- why: from which loads, that is from which files and database reads, a version of a month was made
-- columns:
--   period_month      DATE       The month closed, as its first day
--   close_version     BIGINT     Version of the close, 1 for the first
--   load_id           BIGINT     The load
--   is_new            BOOLEAN    Whether the version before did not know the load yet
--   feed              VARCHAR    The feed that it brought rows for
--   source            VARCHAR    The file, or the database setting
--   sha256            VARCHAR    SHA-256 of its bytes, which is its name in the archive
--   loaded_count      BIGINT     Rows that it brought
--   unchanged_count   BIGINT     Rows that were there already with the same content
--   rejected_count    BIGINT     Rows that were rejected
--   superseded_count  BIGINT     Earlier rows that it corrected or ended
--   finished_at       TIMESTAMP  When it was committed, in UTC
WITH versions AS (
    SELECT
        period_month,
        close_version,
        as_of_load,
        coalesce(lag(as_of_load) OVER (PARTITION BY period_month ORDER BY close_version), 0) AS known_before
    FROM ops.closes
)

SELECT
    versions.period_month,
    versions.close_version,
    loads.load_id,
    loads.load_id > versions.known_before AS is_new,
    loads.feed,
    loads.source,
    loads.sha256,
    loads.loaded_count,
    loads.unchanged_count,
    loads.rejected_count,
    loads.superseded_count,
    loads.finished_at
FROM versions
JOIN ops.loads AS loads ON loads.load_id <= versions.as_of_load AND loads.status = 'loaded'
