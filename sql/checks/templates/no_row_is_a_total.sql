-- fmt: off
-- grain: row of the feed      from: the feed, core.accounts, core.products
-- why: the first or last row of a list that is the sum of all the others, and is for no known account or product
-- fmt: on
with
    lists as (
        select
            {% for name in list_columns %} {{ name }}, {% endfor %} load_id,
            count(*) as row_count,
            sum({{ amount }}) as total,
            min(source_row) as first_row,
            max(source_row) as last_row
        from batch
        group by {% for name in list_columns %} {{ name }}, {% endfor %} load_id
        having count(*) > threshold('{{ rule }}')
    )

select batch.*
from batch
join lists using ({% for name in list_columns %}{{ name }}, {% endfor %} load_id)
anti join core.accounts as accounts on accounts.account_id = batch.account_id
where
    batch.source_row in (lists.first_row, lists.last_row)
    and batch.{{ amount }} <> 0
    and batch.{{ amount }} = lists.total - batch.{{ amount }}
