-- fmt: off
-- grain: columns that forecasts are compared by × account × product
-- why: numbers the items, so that their months are found by one whole number instead of by texts that may be NULL
-- columns:
--   item_no     BIGINT
--   by_account  BOOLEAN
--   by_product  BOOLEAN
--   account_id  VARCHAR
--   product_id  VARCHAR
-- fmt: on
with
    items as (
        select by_account, by_product, account_id, product_id
        from core.forecast_quantities
        union
        select by_account, by_product, account_id, product_id
        from core.item_sales
    )

select
    row_number() over (order by by_account, by_product, account_id, product_id) as item_no,
    by_account,
    by_product,
    account_id,
    product_id
from items
