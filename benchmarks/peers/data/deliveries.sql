-- One line in ten comes in two deliveries, one in a hundred stays short for good.
SELECT
    'D' || n AS delivery_id,
    line_no,
    'O' || n AS order_id,
    line_no AS order_line_no,
    delivered_date,
    CASE WHEN is_split THEN quantity * 6 // 10 ELSE delivered_quantity END AS quantity,
    CASE WHEN draw(i, 'rejected', 200) = 0 THEN 1 ELSE 0 END AS rejected_quantity
FROM lines
WHERE NOT is_cancelled AND delivered_date <= last_day_known()
UNION ALL
SELECT 'D' || n || '-2', line_no, 'O' || n, line_no, delivered_date + 4, quantity - quantity * 6 // 10, 0
FROM lines
WHERE NOT is_cancelled AND is_split AND delivered_date + 4 <= last_day_known()
