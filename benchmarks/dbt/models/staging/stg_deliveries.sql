select *
from read_csv('{{ var("files") }}/deliveries.csv', header = true, auto_detect = false, columns = {
    'delivery_id': 'VARCHAR', 'line_no': 'INTEGER', 'order_id': 'VARCHAR', 'order_line_no': 'INTEGER',
    'delivered_date': 'DATE', 'quantity': 'DECIMAL(18,4)', 'rejected_quantity': 'DECIMAL(18,4)'
})
