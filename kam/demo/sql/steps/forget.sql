CREATE OR REPLACE TEMP TABLE delivery_queue AS FROM delivery_queue WHERE delivered_date >= getvariable('next_month');
CREATE OR REPLACE TEMP TABLE document_queue AS FROM document_queue WHERE invoice_date >= getvariable('next_month');
CREATE OR REPLACE TEMP TABLE payment_queue AS FROM payment_queue WHERE payment_date >= getvariable('next_month');
DROP TABLE month_lines;
DROP TABLE new_deliveries;
DROP TABLE month_documents;
