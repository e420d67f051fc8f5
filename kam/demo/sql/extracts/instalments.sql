FROM instalments ORDER BY invoice_id, instalment_no
