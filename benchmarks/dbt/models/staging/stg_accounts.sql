select *
from read_csv('{{ var("files") }}/accounts.csv', header = true, auto_detect = false, columns = {
    'account_id': 'VARCHAR', 'account_name': 'VARCHAR', 'account_manager': 'VARCHAR', 'region': 'VARCHAR',
    'currency': 'VARCHAR', 'payment_terms_days': 'INTEGER'
})
