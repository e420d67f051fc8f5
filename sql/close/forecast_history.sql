-- fmt: off
-- grain: item (account × part, or part)      from: core.sales, core.months, build.settings
-- why: the net quantities of each item by month, from its first sale to $snapshot_month, months without sales as 0: the history that
--   forecast accuracy measures against, too. An item that sold nothing for two seasons is over
-- fmt: on
with
    monthly as (
        select
            {% if by_account %} sales.account_id
            {% else %} null::varchar
            {% endif %} as account_id,
            sales.product_id,
            months.month_index,
            sum(sales.quantity) as quantity
        from core.sales as sales
        join core.months as months on months.period_month = sales.period_month
        cross join build.settings as settings
        where
            sales.basis = settings.forecast_actual
            and sales.quantity is not null
            and sales.product_id is not null
            and sales.period_month <= $snapshot_month
        group by all
        having sum(sales.quantity) <> 0
    ),

    items as (
        select monthly.account_id, monthly.product_id, min(monthly.month_index) as first_index, snapshot.month_index
        from monthly
        cross join build.settings as settings
        join core.months as snapshot on snapshot.period_month = $snapshot_month
        group by monthly.account_id, monthly.product_id, snapshot.month_index, settings.forecast_season
        having max(monthly.month_index) > snapshot.month_index - 2 * settings.forecast_season
    ),

    spine as (select *, unnest(generate_series(first_index, month_index)) as history_index from items)

select
    row_number() over (order by spine.account_id, spine.product_id) as item_no,
    spine.account_id,
    spine.product_id,
    list(coalesce(monthly.quantity, 0)::decimal(38, 4) order by spine.history_index) as history
from spine
left join
    monthly
    on monthly.account_id is not distinct from spine.account_id
    and monthly.product_id = spine.product_id
    and monthly.month_index = spine.history_index
group by spine.account_id, spine.product_id
