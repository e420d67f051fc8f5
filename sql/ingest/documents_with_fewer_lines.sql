-- fmt: off
-- grain: document of the temporary table incoming with fewer lines than it has in staging
-- from: incoming, the feed in staging, ops.loads
-- why: equal lines without numbers are known by their number alone: those that do not come again would stay
-- fmt: on
with
    here as (
        select {{ document }} as document, count(*) as row_count, min(rowid) as place
        from incoming
        where verdict = 'good'
        group by {{ document }}
    ),

    there as (
        select {{ document }} as document, count(*) as row_count, max(load_id) as load_id
        from staging.{{ feed }}
        where superseded_load_id is null and {{ document }} in (select document from here)
        group by {{ document }}
    )

select here.document, there.row_count, loads.source, here.row_count
from here
join there using (document)
join ops.loads as loads using (load_id)
where here.row_count < there.row_count
order by here.place
