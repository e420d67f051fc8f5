select *
from read_csv('{{ var("files") }}/payments.csv', header = true, auto_detect = false, columns = {
    'payment_id': 'VARCHAR', 'line_no': 'INTEGER', 'account_id': 'VARCHAR', 'invoice_id': 'VARCHAR',
    'payment_date': 'DATE', 'amount': 'DECIMAL(18,4)', 'currency': 'VARCHAR', 'payment_type': 'VARCHAR'
})
