SELECT
    invoice_id, line_no, document_type, account_id, product_id, order_id, order_line_no, invoice_date, due_date,
    quantity, net_amount, tax_amount, currency, reference_invoice_id,
    sum(net_amount + tax_amount) OVER (PARTITION BY invoice_id) AS invoice_total, disputed
FROM month_documents JOIN corrections USING (invoice_id) JOIN accounts USING (account_no)
ORDER BY invoice_id, line_no
