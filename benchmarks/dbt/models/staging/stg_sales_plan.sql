select *
from read_csv('{{ var("files") }}/sales_plan.csv', header = true, auto_detect = false, columns = {
    'plan_version': 'VARCHAR', 'month': 'DATE', 'account_id': 'VARCHAR', 'product_id': 'VARCHAR',
    'quantity': 'DECIMAL(18,4)', 'unit_price': 'DECIMAL(24,10)', 'currency': 'VARCHAR'
})
