SELECT product_id, product_name, product_line, unit, standard_cost, 'EUR' AS currency
FROM products
ORDER BY product_id
