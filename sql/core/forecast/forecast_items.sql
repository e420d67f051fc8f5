-- fmt: off
-- grain: columns that forecasts are compared by × account × product
-- why: numbers the items, so that their months are found by one whole number instead of by texts that may be NULL
-- columns:
--   item_no     BIGINT
--   by_account  BOOLEAN
--   by_product  BOOLEAN
--   account_id  VARCHAR
--   product_id  VARCHAR
--   least_unit     VARCHAR
--   greatest_unit  VARCHAR
-- fmt: on
with
    items as (
        select by_account, by_product, account_id, product_id
        from core.forecast_quantities
        union
        select by_account, by_product, account_id, product_id
        from core.item_sales
    ),

    -- Of parts that an item adds up, those that were sold.
    sold_units as (
        select
            by_account,
            by_product,
            account_id,
            product_id,
            min(least_unit) as least_unit,
            max(greatest_unit) as greatest_unit
        from core.item_sales
        where not by_product
        group by by_account, by_product, account_id, product_id
    )

select
    row_number() over (order by items.by_account, items.by_product, items.account_id, items.product_id) as item_no,
    items.by_account,
    items.by_product,
    items.account_id,
    items.product_id,
    coalesce(lower(products.unit), sold_units.least_unit) as least_unit,
    coalesce(lower(products.unit), sold_units.greatest_unit) as greatest_unit
from items
left join core.products as products on products.product_id = items.product_id
left join
    sold_units
    on sold_units.by_account = items.by_account
    and sold_units.by_product = items.by_product
    and sold_units.account_id is not distinct from items.account_id
    and sold_units.product_id is not distinct from items.product_id
