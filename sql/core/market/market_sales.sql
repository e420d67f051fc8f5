-- fmt: off
-- grain: month × account or region with a market × product line, or all of them
-- why: what we sell in each market, in the months that have one and a year before these, from the rows that all figures on sales add up
-- columns:
--   month         DATE
--   account_id    VARCHAR
--   region        VARCHAR
--   product_line  VARCHAR
--   net_amount    DECIMAL(38,2)
--   net_reason    VARCHAR
--   net_quantity  DECIMAL(38,4)
--   unit_reason   VARCHAR
-- fmt: on
with
    markets as (select distinct account_id, region, product_line from core.market_sizes),

    sold as (
        select
            amounts.sales_month as month,
            amounts.account_id,
            known(accounts.region) as region,
            known(products.product_line) as product_line,
            amounts.net_amount,
            amounts.net_reason,
            amounts.net_quantity,
            lower(products.unit) as unit
        from core.item_sales_amounts as amounts
        left join core.accounts as accounts on accounts.account_id = amounts.account_id
        left join core.products as products on products.product_id = amounts.product_id
        where exists (from markets)
    ),

    added as (
        select
            month,
            account_id,
            region,
            product_line,
            complete_sum(net_amount, true) as net_amount,
            min(net_reason) as net_reason,
            sum(net_quantity) as net_quantity,
            -- What was ordered only, or billed without a quantity, has no unit to differ in.
            units_reason(min(unit) filter (net_quantity <> 0) <> max(unit) filter (net_quantity <> 0)) as unit_reason
        from sold
        group by
            grouping sets (
                (month, account_id, product_line), (month, account_id), (month, region, product_line), (month, region)
            )
    )

select
    added.month,
    added.account_id,
    added.region,
    added.product_line,
    added.net_amount,
    added.net_reason,
    added.net_quantity,
    added.unit_reason
from added
semi join
    markets
    on markets.account_id is not distinct from added.account_id
    and markets.region is not distinct from added.region
    and markets.product_line is not distinct from added.product_line
