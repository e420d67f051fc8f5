SELECT
    product_id, product_name, product_line, unit, standard_cost, 'EUR' AS currency,
    CASE WHEN product_line = 'hoses' THEN 'purchased'
        WHEN product_line = 'mounts' AND product_no % 3 = 0 THEN 'remanufactured'
        ELSE 'manufactured' END AS product_source,
    round(standard_cost * 1.75, 2)::DECIMAL(18, 2) AS list_price
FROM products
ORDER BY product_id
