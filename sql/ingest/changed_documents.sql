-- fmt: off
-- grain: document of the temporary table incoming, of which a line that is there gets another account, type or date
-- from: the temporary tables incoming and matched, the feed in staging, ops.loads
-- why: a number that is used again would replace one document by another
-- fmt: on
select
    incoming.{{ document }} as document,
    arg_min({{ kept_side }}, incoming.rowid) as one,
    arg_min(loads.source, incoming.rowid) as kept_source,
    arg_min({{ side }}, incoming.rowid) as other,
    arg_min(incoming.{{ record }}, incoming.rowid) as record
from matched
join incoming on incoming.rowid = matched.place
join staging.{{ feed }} as kept on kept.rowid = matched.kept_place
join ops.loads as loads on loads.load_id = kept.load_id
where matched.differs and ({{ differs }})
group by incoming.{{ document }}
order by min(incoming.rowid)
