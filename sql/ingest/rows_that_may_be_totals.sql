-- fmt: off
-- grain: row of the temporary table incoming
-- why: rows that call themselves a total, and rows that lack a column which identifies the others; of a long list labels are
--   looked for in the last rows
-- fmt: on
select rowid as place, lag(rowid, 1, -1) over (order by rowid) as previous, lacks, lacks_all, says_total
from
    (
        select
            rowid,
            {{ lacks }} as lacks,
            {{ lacks_all }} as lacks_all,
            case when {{ lacks }} then {{ says_anywhere }} else true end as says_total
        from incoming
        where
            verdict in ('good', 'unreadable')
            and (
                {{ lacks }}
                or case
                    when
                        (select count(*) from incoming) <= {{ most_labels }}
                        or rowid >= (select count(*) from incoming) - {{ last_rows }}
                    then {{ says }}
                    else false
                end
            )
    )
