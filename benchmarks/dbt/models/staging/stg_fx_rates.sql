select *
from read_csv('{{ var("files") }}/fx_rates.csv', header = true, auto_detect = false, columns = {
    'currency': 'VARCHAR', 'rate_date': 'DATE', 'rate': 'DECIMAL(18,10)', 'rate_type': 'VARCHAR'
})
