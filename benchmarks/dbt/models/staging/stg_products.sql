select *
from read_csv('{{ var("files") }}/products.csv', header = true, auto_detect = false, columns = {
    'product_id': 'VARCHAR', 'product_name': 'VARCHAR', 'product_line': 'VARCHAR', 'unit': 'VARCHAR'
})
