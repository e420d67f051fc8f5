SELECT
    invoice_id, line_no, document_type, account_id, product_id, order_id, order_line_no, invoice_date, due_date,
    quantity, net_amount, tax_amount, currency, reference_invoice_id,
    sum(net_amount + tax_amount) OVER (PARTITION BY invoice_id) AS invoice_total, disputed,
    -- vehicle makers say when they booked it
    CASE WHEN segment = 'vehicle maker' AND workday(invoice_date + 2 + (roll('accepted|' || invoice_id) % 9)::INTEGER)
        <= getvariable('cutoff') THEN workday(invoice_date + 2 + (roll('accepted|' || invoice_id) % 9)::INTEGER) END
        AS accepted_date,
    CASE WHEN country = 'IN' AND document_type <> 'debit_note' THEN 'C-form' END AS tax_form_type
FROM month_documents JOIN corrections USING (invoice_id) JOIN accounts USING (account_no)
ORDER BY invoice_id, line_no
