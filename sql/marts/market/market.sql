-- fmt: off
-- grain: period_month, account_id, region, product_line, source
-- why: the sizes of markets behind market_share, as each source names them, and which of them count
-- method: market-1
-- needs: market
-- lines: core.market by month = period_month, account_id, region, product_line, source
-- columns:
--   period_month         DATE
--   account_id           VARCHAR        here: The customer account, for what it buys; NULL for what a region buys
--   account_name         VARCHAR        here: Name of the account; unknown where master data has none, NULL for a region
--   account_manager      VARCHAR        here: Manager of the account; unknown where master data has none, NULL for a region
--   region               VARCHAR        The region as the row names it; a row with an account is of the account
--   product_line         VARCHAR        here: Product line; NULL for all product lines together
--   source               VARCHAR        Who says so
--   is_estimate          BOOLEAN        Whether it is an estimate
--   total_amount         DECIMAL(32,2)  [reporting currency; none] Amount bought from all suppliers, at the average rate of the month
--   total_amount_reason  VARCHAR
--   total_quantity       DECIMAL(34,4)  [units of the item; none] Quantity bought from all suppliers
--   total_quantity_reason VARCHAR
--   is_amount_used       BOOLEAN        Whether market_share counts its amount
--   is_quantity_used     BOOLEAN        Whether market_share counts its quantity
-- fmt: on
select
    sizes.month as period_month,
    sizes.account_id,
    case when sizes.account_id is not null then known(accounts.account_name) end as account_name,
    case when sizes.account_id is not null then known(accounts.account_manager) end as account_manager,
    sizes.given_region as region,
    sizes.product_line,
    sizes.source,
    sizes.is_estimate,
    sizes.total_amount,
    case
        when sizes.total_amount is null then coalesce(sizes.amount_reason, 'the source names no amount')
    end as total_amount_reason,
    sizes.total_quantity,
    case when sizes.total_quantity is null then 'the source names no quantity' end as total_quantity_reason,
    sizes.is_amount_used,
    sizes.is_quantity_used
from core.market_sizes as sizes
semi join build.periods as periods on periods.period_month = sizes.month
left join core.accounts as accounts on accounts.account_id = sizes.account_id
