-- fmt: off
-- grain: row of the temporary table incoming whose key comes more than once
-- from: the temporary tables incoming and repeated (hashes of keys that come more than once)
-- why: rows of one key with different contents are all faulty; equal ones are numbered by their occurrence
-- fmt: on
select
    place,
    min(content) over (partition by {{ key }}) <> max(content) over (partition by {{ key }}) as is_double,
    row_number() over (partition by {{ key }} order by place) as occurrence
from
    (
        select {{ key }}, rowid as place, hash({{ columns }}) as content
        from incoming
        where verdict = 'good' and hash({{ key }}) in (select key_hash from repeated)
    )
