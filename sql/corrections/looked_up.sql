-- fmt: off
-- grain: correction of one feed      from: corrections, and the feed in staging
-- why: what is known, at the variable as_of_load, of the row that a correction names
-- fmt: on
select
    {{ columns }},
    any_value(case entries.column_name {{ found_value }} end) filter ({{ known }} and {{ current }}) as found_value,
    coalesce(bool_or({{ known }} and {{ current }}), false) as is_there,
    coalesce(bool_or({{ known }}), false) as was_there,
    count(line.load_id) > 0 as comes_later,
    coalesce(bool_or(({{ is_too_little }}) and {{ known }} and {{ current }}), false) as is_too_little
from
    (
        select
            *,
            {{ key }},
            list(column_name) filter (right_value is null) over (partition by key_values) as emptied,
            list(column_name) filter (right_value is not null) over (partition by key_values) as filled
        from {{ corrections }}
        where feed = '{{ feed }}'
    ) as entries
left join staging.{{ feed }} as line on {{ same_key }}
group by all
