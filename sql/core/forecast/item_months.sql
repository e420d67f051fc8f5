-- fmt: off
-- grain: forecast item × business month in which its net quantity is not zero
-- why: the sales of an item by its number
-- columns:
--   item_no      BIGINT
--   by_account   BOOLEAN
--   by_product   BOOLEAN
--   month_index  INTEGER
--   quantity     DECIMAL(34,4)
-- fmt: on
select items.item_no, items.by_account, items.by_product, sales.month_index, sales.quantity
from core.item_sales as sales
join
    core.forecast_items as items
    on items.by_account = sales.by_account
    and items.by_product = sales.by_product
    and items.account_id is not distinct from sales.account_id
    and items.product_id is not distinct from sales.product_id
