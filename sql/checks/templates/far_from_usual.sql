-- fmt: off
-- grain: line of the batch      from: batch, core.feed_activity
-- why: lines whose figure is far from the median of their item's monthly means: one wild month does not move it
-- fmt: on
with
    lines as (select {{ columns }}, ({{ of_line }})::double as {{ figure }} from batch),

    items as (select distinct period_month, account_id, product_id, currency from lines where {{ figure }} > 0),

    usual as (
        select items.*, median({{ of_month }}) as usual_{{ figure }}
        from items
        join build.periods as periods using (period_month)
        join
            core.feed_activity as activity
            on activity.account_id = items.account_id
            and activity.product_id = items.product_id
            and activity.currency = items.currency
            and activity.month_index between periods.month_index - 12 and periods.month_index - 1
        where activity.feed = '{{ feed }}'
        group by all
        having count({{ of_month }}) >= {{ fewest_months }}
    )

select
    lines.* replace ({{ figure }}::decimal(38, 4) as {{ figure }}),
    usual_{{ figure }}::decimal(38, 4) as usual_{{ figure }}
from lines
join usual using (period_month, account_id, product_id, currency)
where lines.{{ figure }} > 0 and ({{ is_far }})
