-- fmt: off
-- grain: columns that forecasts are compared by × account × product × business month
-- why: actual quantities up to the last month built, added up to what forecasts are compared by; returns are negative and stay so
-- columns:
--   by_account   BOOLEAN
--   by_product   BOOLEAN
--   account_id   VARCHAR
--   product_id   VARCHAR
--   month_index  INTEGER
--   quantity     DECIMAL(34,4)
--   least_unit   VARCHAR
--   greatest_unit  VARCHAR
-- fmt: on
with
    grains as (select distinct by_account, by_product from core.forecast_rounds),

    monthly as (
        select
            sales.account_id,
            sales.product_id,
            sales.period_month,
            sum(sales.quantity) as quantity,
            min(sales.unit) as unit
        from core.sales as sales
        cross join build.settings as settings
        where
            sales.basis = settings.forecast_actual
            and sales.quantity is not null
            and sales.period_month <= (select max(period_month) from build.periods)
        group by sales.account_id, sales.product_id, sales.period_month
    )

select
    grains.by_account,
    grains.by_product,
    case when grains.by_account then monthly.account_id end as account_id,
    case when grains.by_product then monthly.product_id end as product_id,
    months.month_index,
    sum(monthly.quantity)::decimal(34, 4) as quantity,
    min(monthly.unit) as least_unit,
    max(monthly.unit) as greatest_unit
from monthly
join core.months as months on months.period_month = monthly.period_month
cross join grains
group by all
having sum(monthly.quantity) <> 0
