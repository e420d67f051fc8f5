-- fmt: off
-- grain: period_month × control × item (a load)      from: ops.loads, and staging, rejects and core of every feed
-- why: rows read are in staging, unchanged or among the rejects. Rows loaded less rows replaced are the ones known now:
--   the rows of a load that are known or were ended later, less those that it ended. The same in every month.
-- fmt: on
with
    counts as (
        {% for feed in feeds %}
            select '{{ feed }}' as feed, load_id, count(*) as staged, 0 as known
            from staging.{{ feed }}
            where load_id <= getvariable('as_of_load')
            group by load_id
            union all
            select '{{ feed }}', load_id, 0, count(*)
            from core.{{ feed }}
            group by load_id
            union all
            select '{{ feed }}', unnest([load_id, superseded_load_id]), 0, unnest([1, -1])
            from staging.{{ feed }}
            where superseded_load_id <= getvariable('as_of_load')
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    staged as (select feed, load_id, sum(staged) as staged, sum(known) as known from counts group by feed, load_id),

    rejected as (
        select feed, load_id, count(distinct(source_row, source_column)) as rejected
        from staging.rejects
        group by feed, load_id
    ),

    loads as (select * from ops.loads where status = 'loaded' and load_id <= getvariable('as_of_load')),

    compared as (
        select
            feed,
            'load ' || load_id || coalesce(' (' || loads.source || ')', '') as item,
            coalesce(loads.read_count, 0) as read_count,
            coalesce(staged.staged, 0)
            + coalesce(loads.unchanged_count, 0)
            + coalesce(rejected.rejected, 0) as kept_count,
            coalesce(loads.loaded_count - loads.superseded_count, 0) as counted,
            coalesce(staged.known, 0) as known
        from loads
        full join staged using (feed, load_id)
        left join rejected using (feed, load_id)
    )

select
    periods.period_month,
    feed || ': rows read = staging + unchanged + rejected' as control,
    'rows' as currency,
    item,
    read_count as left_amount,
    kept_count as right_amount
from compared
cross join build.periods as periods
union all
select periods.period_month, feed || ': rows loaded − replaced = core', 'rows', item, counted, known
from compared
cross join build.periods as periods
