-- fmt: off
-- grain: document of the temporary table incoming of which other rows are there under its number without the site's wider key
-- from: incoming, the feed in staging, ops.loads
-- why: rows of the same document under two numbers count twice; of a document that got its number again they do not
-- fmt: on
select
    incoming.{{ narrow }} as document,
    arg_min({{ kept_side }}, incoming.rowid) as one,
    arg_min(loads.source, incoming.rowid) as kept_source,
    any_value(incoming.{{ document }}) as wide,
    arg_min({{ side }}, incoming.rowid) as other,
    arg_min(incoming.{{ record }}, incoming.rowid) as record
from incoming
join
    staging.{{ feed }} as kept
    on kept.superseded_load_id is null
    and kept.{{ document }} = incoming.{{ narrow }}
    and ({{ same_document }})
join ops.loads as loads on loads.load_id = kept.load_id
where
    incoming.verdict = 'good'
    and not exists (
        select 1
        from incoming as line
        where line.verdict = 'good' and line.{{ narrow }} = kept.{{ document }} and ({{ same_line }})
    )
group by incoming.{{ narrow }}
order by min(incoming.rowid)
