select *
from read_csv('{{ var("files") }}/orders.csv', header = true, auto_detect = false, columns = {
    'order_id': 'VARCHAR', 'line_no': 'INTEGER', 'account_id': 'VARCHAR', 'product_id': 'VARCHAR', 'order_date': 'DATE',
    'requested_date': 'DATE', 'promised_date': 'DATE', 'last_promised_date': 'DATE', 'quantity': 'DECIMAL(18,4)',
    'unit_price': 'DECIMAL(18,4)', 'currency': 'VARCHAR', 'status': 'VARCHAR', 'cancelled_date': 'DATE'
})
