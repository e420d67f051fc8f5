-- fmt: off
-- grain: period_month, account_id, product_id
-- why: the parts behind lost_item_count of market_share: bought in the twelve months before the last three, and not in these. Listed where the
--   market of the account or of its region is known
-- method: lost-items-1
-- needs: market, invoices
-- lines: core.sales by account_id, product_id where line.basis = 'invoiced' and line.period_month between (figure.period_month - interval
--     14 month)::date and (figure.period_month - interval 3 month)::date sums bought_quantity = quantity
-- columns:
--   period_month          DATE
--   account_id            VARCHAR
--   account_name          VARCHAR
--   account_manager       VARCHAR
--   region                VARCHAR        Region of the account; unknown where master data has none
--   product_id            VARCHAR
--   product_name          VARCHAR
--   product_line          VARCHAR
--   unit                  VARCHAR
--   last_bought_month     DATE           The last month in which it was bought
--   bought_quantity       DECIMAL(34,4)  [units of the item; last in time] Net quantity of the twelve months before the last three
--   bought_amount         DECIMAL(32,2)  [reporting currency; last in time] Net amount of these months
--   bought_amount_reason  VARCHAR
-- fmt: on
with markets as (select distinct looked_month as period_month, account_id, region, product_line from core.market_shares)

select
    lost.period_month,
    lost.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    lost.region,
    lost.product_id,
    known(products.product_name) as product_name,
    lost.product_line,
    lower(products.unit) as unit,
    lost.last_bought_month,
    lost.bought_quantity,
    case when lost.bought_reason is null then lost.bought_amount end as bought_amount,
    lost.bought_reason as bought_amount_reason
from core.market_lost_items as lost
left join core.accounts as accounts on accounts.account_id = lost.account_id
left join core.products as products on products.product_id = lost.product_id
where
    (lost.period_month, lost.account_id, lost.product_line) in (
        select (period_month, account_id, product_line)
        from markets
        where account_id is not null and product_line is not null
    )
    or (lost.period_month, lost.account_id)
    in (select (period_month, account_id) from markets where account_id is not null and product_line is null)
    or (lost.period_month, lost.region, lost.product_line)
    in (select (period_month, region, product_line) from markets where account_id is null and product_line is not null)
    or (lost.period_month, lost.region)
    in (select (period_month, region) from markets where account_id is null and product_line is null)
