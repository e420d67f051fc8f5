-- fmt: off
-- grain: document of the temporary table incoming whose lines are of more than one account, type or date
-- from: incoming
-- why: a number that is used again in the same file would make one document of two
-- fmt: on
select
    {{ document }} as document,
    min(side) as one,
    arg_min(record, side) as first_record,
    max(side) as other,
    arg_max(record, side) as second_record
from
    (
        select {{ document }}, {{ side }} as side, {{ record }} as record, rowid as place
        from incoming
        where
            verdict = 'good'
            and {{ document }}
            in (select {{ document }} from incoming where verdict = 'good' group by {{ document }} having {{ differs }})
    )
group by {{ document }}
order by min(place)
