-- fmt: off
-- grain: period_month      from: known, a condition on the closes that count
-- why: the newest version of each closed month, and what it was last built from with the same figures
-- fmt: on
select
    closes.period_month,
    closes.close_version,
    coalesce(builds.rules_hash, '') as rules_hash,
    builds.feeds,
    coalesce(builds.as_of_load, closes.as_of_load) as as_of_load,
    coalesce(builds.settings_hash, closes.settings_hash) as settings_hash,
    coalesce(builds.models_hash, closes.models_hash) as models_hash,
    if(builds.close_version is null, (manifest ->> '$.opened_from_version')::bigint, builds.opened_from) as opened_from,
    manifest ->> '$.settings' as settings
from ops.standing_closes as closes
left join ops.last_builds as builds using (period_month, close_version)
where {{ known }}
qualify close_version = max(close_version) over (partition by period_month)
