-- grain: forecast item × business month in which its net quantity is not zero
-- why: the sales of an item by its number
SELECT items.item_no, items.by_account, items.by_product, sales.month_index, sales.quantity
FROM core.item_sales AS sales
JOIN core.forecast_items AS items
    ON items.by_account = sales.by_account
    AND items.by_product = sales.by_product
    AND items.account_id IS NOT DISTINCT FROM sales.account_id
    AND items.product_id IS NOT DISTINCT FROM sales.product_id
