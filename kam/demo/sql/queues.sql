CREATE TEMP TABLE delivery_queue (
    delivery_id VARCHAR, line_no BIGINT, order_id VARCHAR, order_line_no BIGINT, delivered_date DATE, quantity INTEGER,
    rejected_quantity INTEGER
);
CREATE TEMP TABLE document_queue (
    invoice_id VARCHAR, line_no BIGINT, document_type VARCHAR, account_no INTEGER, product_id VARCHAR, order_id VARCHAR,
    order_line_no BIGINT, invoice_date DATE, due_date DATE, quantity INTEGER, net_amount DECIMAL(18, 2),
    tax_amount DECIMAL(18, 2), reference_invoice_id VARCHAR, disputed BOOLEAN,
    rejected_quantity INTEGER, unit_price DECIMAL(18, 2)
);
CREATE TEMP TABLE payment_queue (
    payer_no INTEGER, invoice_id VARCHAR, instalment_no INTEGER, payment_date DATE, amount DECIMAL(18, 2),
    currency VARCHAR, payment_type VARCHAR
);
CREATE TEMP TABLE instalments (invoice_id VARCHAR, instalment_no INTEGER, due_date DATE, amount DECIMAL(18, 2));
CREATE TEMP TABLE sold (account_no INTEGER, month DATE, net_amount DECIMAL(18, 2));
-- What an Indian customer owes a C-form for, by fiscal quarter.
CREATE TEMP TABLE form_due (account_no INTEGER, quarter_start DATE, net_amount DECIMAL(18, 2));
