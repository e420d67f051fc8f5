-- grain: columns that forecasts are compared by × account × product
-- why: numbers the items, so that their months are found by one whole number instead of by texts that may be NULL
WITH items AS (
    SELECT by_account, by_product, account_id, product_id FROM core.forecast_quantities
    UNION
    SELECT by_account, by_product, account_id, product_id FROM core.item_sales
)

SELECT
    row_number() OVER (ORDER BY by_account, by_product, account_id, product_id) AS item_no,
    by_account,
    by_product,
    account_id,
    product_id
FROM items
