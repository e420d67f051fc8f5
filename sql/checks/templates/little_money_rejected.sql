-- fmt: off
-- grain: load      from: the loads that no earlier close has seen, staging
-- why: two rows of three hundred may be most of the money; an amount that cannot be read in the declared format is
-- read here by its digits, which is enough to say how much is missing
-- fmt: on
with
    names as (
        {% for feed, amount in amounts.items() %}
            select
                batch.load_id,
                '{{ amount }}' as amount_name,
                coalesce(reading ->> '$.columns.{{ amount }}', '{{ amount }}') as source_name,
                reading ->> '$.unpivot.value' as cell_name,
                coalesce(reading ->> '$.csv.decimal', '.') as decimal_sign
            from batch
            where feed = '{{ feed }}' and status = 'loaded' and rejected_count > 0
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    rejected as (
        select
            rejects.load_id,
            rejects.source_row,
            rejects.source_column,
            names.decimal_sign,
            coalesce(
                max(rejects.value) filter (rejects.column_name = names.amount_name),
                max(
                    rejects.source ->> (
                        '$."' || replace(
                            if(names.source_name = names.cell_name, rejects.source_column, names.source_name), '"', ''
                        )
                        || '"'
                    )
                )
            ) as amount
        from staging.rejects as rejects
        join names on names.load_id = rejects.load_id
        where
            rejects.rule not in ('total_row', 'footer')
            and not coalesce(resolved_load_id <= coalesce(getvariable('as_of_load'), resolved_load_id), false)
        group by all
    ),

    whole as (
        select
            load_id,
            regexp_replace(
                case
                    when length(amount) - length(replace(amount, decimal_sign, '')) = 1
                    then split_part(amount, decimal_sign, 1)
                    else amount
                end,
                '[^0-9]',
                '',
                'g'
            ) as digits
        from rejected
    ),

    missing as (
        select load_id, count(*) as rejected_rows, sum(try_cast(digits as decimal(18, 0))) as rejected_amount
        from whole
        group by load_id
    ),

    loaded as (
        {% for feed, amount in amounts.items() %}
            select load_id, sum(abs({{ amount }})) as loaded_amount
            from staging.{{ feed }}
            semi join names using (load_id)
            group by load_id
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    null::date as period_month,
    batch.feed,
    batch.load_id,
    batch.source,
    missing.rejected_rows,
    missing.rejected_amount,
    coalesce(loaded.loaded_amount, 0) as loaded_amount
from missing
join batch on batch.load_id = missing.load_id
left join loaded on loaded.load_id = missing.load_id
where
    missing.rejected_amount
    > (select reject_share_ratio from build.settings) * (missing.rejected_amount + coalesce(loaded.loaded_amount, 0))
