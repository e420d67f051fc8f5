select *
from read_csv('{{ var("files") }}/invoices.csv', header = true, auto_detect = false, columns = {
    'invoice_id': 'VARCHAR', 'line_no': 'INTEGER', 'document_type': 'VARCHAR', 'account_id': 'VARCHAR',
    'product_id': 'VARCHAR', 'order_id': 'VARCHAR', 'order_line_no': 'INTEGER', 'invoice_date': 'DATE', 'due_date': 'DATE',
    'quantity': 'DECIMAL(18,4)', 'net_amount': 'DECIMAL(18,4)', 'tax_amount': 'DECIMAL(18,4)', 'currency': 'VARCHAR',
    'reference_invoice_id': 'VARCHAR'
})
