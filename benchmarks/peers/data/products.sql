SELECT product_id(p) AS product_id, 'Part ' || p AS product_name, 'Line ' || p % 9 AS product_line, 'pcs' AS unit
FROM range(500) AS r(p)
