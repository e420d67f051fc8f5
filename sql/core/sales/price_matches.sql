-- fmt: off
-- grain: month built × built-in plan version × account × part × currency, of what was invoiced in either month
-- why: a price is compared with that of the same part in the same currency only, so that neither the mix nor exchange rates count as
--   a change of prices. A price is net amount ÷ net quantity of a month; both must be above zero: what is given away or taken back
--   has no price. The four amounts of an index are at the average rate of the month compared with
-- lines: core.sales by account_id, product_id where line.basis = 'invoiced' and (figure.plan_version, line.period_month) in (select
--     (plan_version, sales_month) from core.sales_comparisons)
-- columns:
--   period_month                   DATE
--   plan_version                   VARCHAR
--   account_id                     VARCHAR
--   product_id                     VARCHAR
--   is_matched                     BOOLEAN
--   sold_amount                    DECIMAL(38,8)
--   return_amount                  DECIMAL(38,8)
--   quantity                       DECIMAL(38,4)
--   base_quantity                  DECIMAL(38,4)
--   base_amount                    DECIMAL(36,6)
--   base_repriced_amount           DECIMAL(36,6)
--   current_at_base_prices_amount  DECIMAL(36,6)
--   current_amount                 DECIMAL(36,6)
--   index_reason                   VARCHAR
-- fmt: on
with
    -- Whoever sold it, it is one price.
    sold as (
        select
            sales_month,
            account_id,
            product_id,
            currency,
            coalesce(sum(quantity), 0) as quantity,
            sum(quantity_amount_doc) as amount_doc,
            sum(return_amount_doc) as return_amount_doc
        from core.item_sales_months
        where is_invoiced
        group by sales_month, account_id, product_id, currency
    ),

    compared as (
        select
            months.period_month,
            months.plan_version,
            months.plan_month,
            sold.account_id,
            sold.product_id,
            sold.currency,
            coalesce(sum(sold.quantity) filter (not is_base), 0) as quantity_1,
            coalesce(sum(sold.amount_doc) filter (not is_base), 0) as amount_1,
            coalesce(sum(sold.return_amount_doc) filter (not is_base), 0) as return_1,
            coalesce(sum(sold.quantity) filter (is_base), 0) as quantity_0,
            coalesce(sum(sold.amount_doc) filter (is_base), 0) as amount_0,
            coalesce(sum(sold.return_amount_doc) filter (is_base), 0) as return_0
        from core.sales_comparisons as months
        join sold on sold.sales_month = months.sales_month
        group by
            months.period_month, months.plan_version, months.plan_month, sold.account_id, sold.product_id, sold.currency
    ),

    rated as (
        select
            compared.*,
            quantity_1 > 0 and amount_1 > 0 as is_sold,
            -- Lines that name no part are of nobody knows what.
            is_sold and quantity_0 > 0 and amount_0 > 0 and product_id is not null as is_matched,
            rates_1.average_rate as rate_1,
            rates_0.average_rate as rate_0
        from compared
        left join
            core.month_rates as rates_1
            on rates_1.period_month = compared.period_month
            and rates_1.currency = compared.currency
        left join
            core.month_rates as rates_0
            on rates_0.period_month = compared.plan_month
            and rates_0.currency = compared.currency
    ),

    valued as (
        select
            *,
            amount_0::double * rate_0 as base_value,
            amount_1::double * rate_0 * quantity_0::double / quantity_1::double as base_repriced_value,
            amount_0::double * rate_0 * quantity_1::double / quantity_0::double as current_at_base_prices_value,
            amount_1::double * rate_0 as current_value,
            is_matched
            and greatest(base_value, base_repriced_value, current_at_base_prices_value, current_value)
            < 1e27 as has_room
        from rated
    )

select
    period_month,
    plan_version,
    account_id,
    product_id,
    is_matched,
    case when is_sold then at_rate(amount_1, rate_1) else 0 end::decimal(38, 8) as sold_amount,
    (at_rate(return_1, rate_1) + at_rate(return_0, rate_0))::decimal(38, 8) as return_amount,
    quantity_1::decimal(38, 4) as quantity,
    quantity_0::decimal(38, 4) as base_quantity,
    case when has_room then base_value end::decimal(36, 6) as base_amount,
    case when has_room then base_repriced_value end::decimal(36, 6) as base_repriced_amount,
    case when has_room then current_at_base_prices_value end::decimal(36, 6) as current_at_base_prices_amount,
    case when has_room then current_value end::decimal(36, 6) as current_amount,
    case
        when is_matched
        then coalesce(rate_reason(rate_0, currency), case when not has_room then 'price × quantity is 10²⁷ or more' end)
    end as index_reason
from valued
