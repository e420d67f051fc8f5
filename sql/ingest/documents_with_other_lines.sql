-- fmt: off
-- grain: document of the temporary table incoming that is there, and none of whose lines is
-- from: the temporary tables incoming and matched, the feed in staging, ops.loads, staging.rejects
-- why: the lines would add up with those of another document of the same number, or count twice under other line numbers
-- fmt: on
with
    unmatched as (
        select incoming.rowid as place, {{ record }} as record, {{ is_fixed }} as is_fixed, incoming.*
        from incoming
        where verdict = 'good' and rowid not in (select place from matched)
    ),

    found as (
        select
            incoming.{{ document }} as document,
            incoming.place,
            incoming.record,
            incoming.is_fixed,
            {{ differs }} as is_other,
            {{ kept_side }} as kept_side,
            {{ side }} as side,
            kept.{{ line }} as kept_line,
            incoming.{{ line }} as line,
            kept.load_id
        from unmatched as incoming
        join
            staging.{{ feed }} as kept
            on kept.superseded_load_id is null
            and kept.{{ document }} = incoming.{{ document }}
        where
            incoming.{{ document }}
            not in (select incoming.{{ document }} from matched join incoming on incoming.rowid = matched.place)
    ),

    documents as (
        select
            document,
            arg_min(kept_side, place) as one,
            string_agg(distinct kept_line::varchar, ', ' order by kept_line::varchar) as kept_lines,
            min(load_id) as load_id,
            arg_min(side, place) as other,
            string_agg(distinct line::varchar, ', ' order by line::varchar) as lines,
            arg_min(record, place) as record,
            bool_or(is_other) as is_other,
            bool_or(is_fixed) as is_fixed
        from found
        group by document
    )

select document, one, kept_lines, loads.source, other, lines, record
from documents
join ops.loads as loads using (load_id)
where {{ condition }}
order by record
