-- fmt: off
-- grain: row of the temporary table suspects, of the {{ most }} that are most likely a total
-- from: the temporary tables incoming and suspects (rows that may be totals)
-- why: a row whose amounts are the sum of other rows is no record of its own
-- fmt: on
select place, greatest({{ parts }}) as parts
from
    (
        select suspects.place, {{ sums }}
        from (select * from suspects order by says_total desc, place desc limit {{ most }}) as suspects
        join incoming as given on given.rowid = suspects.place
        cross join
            (
                select rowid, *
                from incoming
                where rowid not in (select place from suspects) and verdict in ('good', 'unreadable')
            ) as part
        group by suspects.place
    )
