-- fmt: off
-- grain: month built × plan version × account × part (or none) × target month of a forecast of an item that was never sold
-- why: what a plan says that the item will sell for
-- columns:
--   period_month  DATE
--   plan_version  VARCHAR
--   account_id    VARCHAR
--   product_id    VARCHAR
--   target_month  DATE
--   quantity      DECIMAL(38,4)
--   amount        DECIMAL(38,8)
-- fmt: on
with
    unsold as (
        from core.outlook_forecasts as forecasts
        anti join
            core.outlook_prices as prices
            on prices.period_month = forecasts.period_month
            and prices.account_id = forecasts.account_id
            and prices.product_id = forecasts.product_id
    )

select
    unsold.period_month,
    lines.plan_version,
    unsold.account_id,
    unsold.product_id,
    unsold.target_month,
    sum(lines.quantity)::decimal(38, 4) as quantity,
    complete_sum(at_rate(lines.amount_doc, coalesce(lines.fx_rate, rates.rate)), true)::decimal(38, 8) as amount
from unsold
join
    core.plan_lines as lines
    on lines.period_month = unsold.target_month
    and lines.item.account_id = unsold.account_id
    and lines.item.product_id is not distinct from unsold.product_id
left join
    core.outlook_rates as rates
    on rates.period_month = unsold.period_month
    and rates.plan_version = lines.plan_version
    and rates.target_month = unsold.target_month
    and rates.currency = lines.currency
group by unsold.period_month, lines.plan_version, unsold.account_id, unsold.product_id, unsold.target_month
having sum(lines.quantity) > 0 and amount is not null
