SELECT delivery_id, line_no, order_id, order_line_no, delivered_date, quantity, rejected_quantity
FROM delivery_queue
WHERE delivered_date < getvariable('next_month')
ORDER BY delivered_date, delivery_id, line_no
