-- fmt: off
-- invariant: Each target names a figure that is published, as table.column.
-- finding: {n} (target names|targets name) a figure that is not published
-- if it fails: The target has no actual, and nobody sees whether it is met; name the figure as docs/metrics.md does. The nearest name stands beside it.
-- severity: critical
-- owner: Sales controlling
-- keys: measure, nearest, account_id, account_manager
-- fmt: on
with
    unknown as (select batch.* from batch anti join build.measures as measures on measures.measure = batch.measure),

    nearest as (
        select
            names.measure,
            arg_max(measures.measure, jaro_winkler_similarity(measures.measure, names.measure)) as nearest
        from (select distinct measure from unknown) as names
        cross join build.measures as measures
        group by names.measure
    )

select unknown.*, nearest.nearest
from unknown
join nearest on nearest.measure = unknown.measure
