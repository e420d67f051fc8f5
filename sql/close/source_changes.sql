-- fmt: off
-- grain: row of a feed that is known on one side of a comparison only, of an account whose figures differ
-- from: staging, ops.loads, the temporary table diff_accounts
-- why: the source rows behind a difference between two versions, when they can matter for the month
-- fmt: on
with
    a as (from staging.{{ feed }} where {{ known_before }} and not ({{ known_after }})),
    b as (from staging.{{ feed }} where {{ known_after }} and not ({{ known_before }})),
    found as (
        select
            {{ account }} as account_id,
            concat_ws(' ', {{ key }}) as key,
            case when a.load_id is null then 'new' when b.load_id is null then 'gone' else 'corrected' end as what,
            case
                when a.load_id is null or b.load_id is null
                then concat_ws(', ', {{ whole }})
                else concat_ws(', ', {{ corrected }})
            end as "values",
            case when b.load_id is null then coalesce(a.superseded_load_id, a.load_id) else b.load_id end as load_id,
            case when b.load_id is null then a.source_row else b.source_row end as source_row
        from a
        full join b on {{ same_key }}
        where {{ matters }}
    )
select
    '{{ feed }}' as feed,
    found.account_id,
    found.key,
    found.what,
    found."values",
    found.load_id,
    loads.source,
    found.source_row,
    coalesce(accounts.rank, 0) as rank
from found
left join ops.loads as loads on loads.load_id = found.load_id
left join diff_accounts as accounts on accounts.account_id = found.account_id
where found.account_id is null or accounts.rank is not null
