-- fmt: off
-- grain: period_month, close_version, load_id
-- why: from which loads, that is from which files and database reads, a version of a month was made
-- adds up within one: period_month, close_version
-- columns:
--   period_month      DATE
--   close_version     BIGINT
--   load_id           BIGINT     [number; none] The load
--   is_new            BOOLEAN    Whether the version before did not know the load yet
--   feed              VARCHAR    The feed that it brought rows for
--   source            VARCHAR    The file, or the database setting
--   sha256            VARCHAR    SHA-256 of its bytes, which is its name in the archive
--   loaded_count      BIGINT     [count; sum] Rows that it brought
--   unchanged_count   BIGINT     [count; sum] Rows that were there already with the same content
--   rejected_count    BIGINT     [count; sum] Rows that were rejected
--   superseded_count  BIGINT     [count; sum] Earlier rows that it corrected or ended
--   finished_at       TIMESTAMP  When it was committed, in UTC
-- fmt: on
with
    versions as (
        select
            period_month,
            close_version,
            as_of_load,
            coalesce(lag(as_of_load) over (partition by period_month order by close_version), 0) as known_before
        from ops.closes
        anti join ops.preliminary using (period_month, close_version)
    )

select
    versions.period_month,
    versions.close_version,
    loads.load_id,
    loads.load_id > versions.known_before as is_new,
    loads.feed,
    loads.source,
    loads.sha256,
    loads.loaded_count,
    loads.unchanged_count,
    loads.rejected_count,
    loads.superseded_count,
    loads.finished_at
from versions
join ops.loads as loads on loads.load_id <= versions.as_of_load and loads.status = 'loaded'
