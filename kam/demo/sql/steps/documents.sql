CREATE OR REPLACE TEMP TABLE month_invoices AS
SELECT invoice_id, any_value(account_no) AS account_no, sum(net_amount) AS net_amount, count(*) AS line_count
FROM document_queue
WHERE document_type = 'invoice' AND month_of(invoice_date) = getvariable('month')
GROUP BY invoice_id;

INSERT INTO sold BY NAME
SELECT account_no, getvariable('month') AS month, sum(net_amount) AS net_amount FROM month_invoices GROUP BY account_no;

-- Half of the rejected goods are credited within days, linked to their invoice.
CREATE OR REPLACE TEMP TABLE new_credits AS
SELECT
    'CRN' || substr(invoice_id, 4) AS invoice_id, line_no, 'credit_note' AS document_type, account_no, product_id,
    order_id, order_line_no,
    workday(invoice_date + 5 + (roll('credit|' || invoice_id) % 3)::INTEGER) AS invoice_date,
    rejected_quantity AS quantity,
    rejected_quantity * unit_price AS net_amount,
    CASE WHEN country = 'DE' THEN round(rejected_quantity * unit_price * 0.19, 2) ELSE 0.00 END AS tax_amount,
    invoice_id AS reference_invoice_id
FROM document_queue JOIN accounts USING (account_no)
WHERE document_type = 'invoice' AND month_of(invoice_date) = getvariable('month')
  AND rejected_quantity > 0 AND roll('credit|' || invoice_id) % 2 = 0;

-- A quarterly rebate without quantity, taken off the month's largest invoice.
INSERT INTO new_credits BY NAME
WITH earned AS (
    SELECT account_no, sum(net_amount) AS net_amount
    FROM sold
    WHERE month > later_month(getvariable('month'), -3)
    GROUP BY account_no
), granted AS (
    SELECT
        account_no, country, largest.invoice_id,
        round(least(earned.net_amount * 0.015, largest.net_amount * 0.2), 2)::DECIMAL(18, 2) AS net_amount
    FROM earned
    JOIN accounts USING (account_no)
    JOIN (
        FROM month_invoices
        QUALIFY row_number() OVER (PARTITION BY account_no ORDER BY net_amount DESC, invoice_id) = 1
    ) AS largest USING (account_no)
    WHERE role IN (1, 12) AND month(getvariable('month')) % 3 = 0
)
SELECT
    format('REB{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'credit_note' AS document_type, account_no,
    getvariable('next_month') - 1 AS invoice_date,
    net_amount,
    CASE WHEN country = 'DE' THEN round(net_amount * 0.19, 2) ELSE 0.00 END AS tax_amount,
    invoice_id AS reference_invoice_id
FROM granted;

INSERT INTO document_queue BY NAME
SELECT *, invoice_date AS due_date, false AS disputed FROM new_credits WHERE invoice_date <= getvariable('cutoff');

-- A share of tooling cost charged by debit note, and goodwill that names no invoice.
INSERT INTO document_queue BY NAME
SELECT
    format('DBN{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'debit_note' AS document_type, account_no, workday(getvariable('month') + 14) AS invoice_date,
    workday(getvariable('month') + 14) + payment_terms_days AS due_date, 12500.00 AS net_amount, 0.00 AS tax_amount,
    false AS disputed
FROM accounts
WHERE role = 3 AND months_left(getvariable('month')) % 4 = 0
UNION ALL BY NAME
SELECT
    format('GDW{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) AS invoice_id, 1 AS line_no,
    'credit_note' AS document_type, account_no, workday(getvariable('month') + 20) AS invoice_date,
    workday(getvariable('month') + 20) AS due_date, 240.00 AS net_amount, 0.00 AS tax_amount, false AS disputed
FROM accounts
WHERE role = 9 AND months_left(getvariable('month')) IN (1, 9);

CREATE OR REPLACE TEMP TABLE month_documents AS
FROM document_queue WHERE month_of(invoice_date) = getvariable('month');

INSERT INTO form_due BY NAME
SELECT
    account_no, date_trunc('quarter', invoice_date)::DATE AS quarter_start,
    sum(CASE WHEN document_type = 'credit_note' THEN -net_amount ELSE net_amount END) AS net_amount
FROM month_documents JOIN accounts USING (account_no)
WHERE country = 'IN' AND document_type <> 'debit_note'
GROUP BY ALL;

-- In a month that is corrected later, one invoice was first sent at a wrong price and one not at all. Those of vehicle makers have a
-- day of acceptance, as most invoices have: in a correction without any, the load would ask where they are.
CREATE OR REPLACE TEMP TABLE corrections AS
SELECT invoice_id, row_number() OVER (ORDER BY segment = 'vehicle maker' DESC, line_count DESC, invoice_id) AS rank
FROM month_invoices JOIN accounts USING (account_no)
WHERE getvariable('is_corrected')
QUALIFY rank <= 2;
