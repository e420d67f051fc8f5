-- fmt: off
-- grain: account × part, or product line, whose price of a competitor was observed × month with sales
-- why: our net price of each month, from sums of the lines with a quantity: rebates and price settlements without one have no price. A month of
--   returns only has no price, nor has one of which an amount has no rate
-- columns:
--   account_id    VARCHAR
--   product_id    VARCHAR
--   product_line  VARCHAR
--   sales_month   DATE
--   price         DECIMAL(36,6)
--   price_reason  VARCHAR
-- fmt: on
with
    wanted as (
        select distinct
            observations.account_id,
            observations.product_id,
            case when observations.product_id is null then observations.product_line end as product_line
        from core.competitor_observations as observations
        where observations.kind = 'price' and observations.account_id is not null
    ),

    sold as (
        select
            sales.account_id,
            sales.product_id,
            sales.product_line,
            sales.period_month as sales_month,
            sales.currency,
            min(sales.unit) as least_unit,
            max(sales.unit) as greatest_unit,
            sum(sales.quantity) as quantity,
            sum(sales.amount_doc) as amount_doc
        from core.sales as sales
        semi join wanted on wanted.account_id = sales.account_id
        where
            sales.basis = 'invoiced'
            and sales.quantity <> 0
            and sales.period_month <= (select max(period_month) from build.periods)
        group by sales.account_id, sales.product_id, sales.product_line, sales.period_month, sales.currency
    ),

    compared as (
        select sold.* replace (null::varchar as product_line)
        from sold
        semi join wanted on wanted.account_id = sold.account_id and wanted.product_id = sold.product_id
        union all
        select sold.* replace (null::varchar as product_id)
        from sold
        semi join wanted on wanted.account_id = sold.account_id and wanted.product_line = sold.product_line
    ),

    months_with_sales as (
        select
            compared.account_id,
            compared.product_id,
            compared.product_line,
            compared.sales_month,
            sum(compared.quantity) as quantity,
            complete_sum(at_rate(compared.amount_doc, rates.average_rate), true) as amount,
            units_reason(min(compared.least_unit) <> max(compared.greatest_unit)) as price_reason
        from compared
        left join
            core.month_rates as rates
            on rates.period_month = compared.sales_month
            and rates.currency = compared.currency
        group by compared.account_id, compared.product_id, compared.product_line, compared.sales_month
    )

select
    account_id,
    product_id,
    product_line,
    sales_month,
    case when price_reason is null then shown_ratio(ratio(amount, quantity)) end as price,
    price_reason
from months_with_sales
where quantity > 0 and amount > 0
