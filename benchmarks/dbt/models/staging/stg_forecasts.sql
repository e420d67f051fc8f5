select *
from read_csv('{{ var("files") }}/forecasts.csv', header = true, auto_detect = false, columns = {
    'forecast_step': 'VARCHAR', 'snapshot_month': 'DATE', 'target_month': 'DATE', 'account_id': 'VARCHAR',
    'product_id': 'VARCHAR', 'quantity': 'DECIMAL(18,4)'
})
