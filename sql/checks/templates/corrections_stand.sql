-- fmt: off
-- invariant: No row goes back to what it was before a correction that came in another file.
-- keys: feed, row_key, columns, source, corrected_by
-- why: an old export that is loaded again undoes what was corrected since; full extracts and databases say what holds now, and
--   after a change of the mapping all files are read again
-- fmt: on
with
    newest as (
        select batch.*
        from batch
        where
            batch.status = 'loaded'
            and batch.superseded_count > 0
            and coalesce(batch.reading ->> '$.mode', '') <> 'snapshot'
            and not exists (
                select 1
                from ops.loads as earlier
                where
                    earlier.feed = batch.feed
                    and earlier.sha256 = batch.sha256
                    and earlier.load_id < batch.load_id
                    and earlier.status = 'loaded'
                    and earlier.mapping_hash <> batch.mapping_hash
            )
    ),

    undone as (
        {% for feed in feeds %}
            select
                '{{ feed.name }}' as feed,
                concat_ws(
                    ' ',
                    {% for name in feed.key %}
                        latest.{{ name }}::varchar{% if not loop.last %}, {% endif %}
                    {% endfor %}
                ) as row_key,
                concat_ws(
                    ', '
                    {% for name in feed.columns %}
                        ,
                        case
                            when
                                latest.{{ name }} is not distinct from before.{{ name }}
                                and latest.{{ name }} is distinct from corrected.{{ name }}
                            then '{{ name }}'
                        end
                    {% endfor %}
                ) as columns,
                latest.load_id,
                corrected.load_id as corrected_load_id
            from staging.{{ feed.name }} as latest
            semi join newest on newest.load_id = latest.load_id and newest.feed = '{{ feed.name }}'
            join
                staging.{{ feed.name }} as corrected on corrected.superseded_load_id = latest.load_id
                {% for name in feed.key %} and corrected.{{ name }} is not distinct from latest.{{ name }}{% endfor %}
            join
                staging.{{ feed.name }} as before on before.superseded_load_id <= corrected.load_id
                {% for name in feed.key %} and before.{{ name }} is not distinct from latest.{{ name }}{% endfor %}
            {% if not loop.last %}
                union
            {% endif %}
        {% endfor %}
    )

select undone.feed, undone.row_key, undone.columns, newest.source, loads.source as corrected_by, newest.period_month
from undone
join newest on newest.load_id = undone.load_id
join ops.loads as loads on loads.load_id = undone.corrected_load_id
where undone.columns <> '' and loads.source <> newest.source
