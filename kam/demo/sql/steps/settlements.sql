CREATE OR REPLACE TEMP TABLE new_dues AS
WITH credited AS (
    SELECT reference_invoice_id AS invoice_id, sum(net_amount + tax_amount) AS credited_amount
    FROM new_credits
    GROUP BY reference_invoice_id
), documents AS (
    SELECT
        invoice_id, account_no, any_value(invoice_date) AS invoice_date, any_value(due_date) AS agreed_due_date,
        bool_or(disputed) AS disputed, sum(net_amount + tax_amount)::DECIMAL(18, 2) AS gross_amount
    FROM month_documents
    WHERE document_type <> 'credit_note'
    GROUP BY invoice_id, account_no
), dues AS (
    SELECT
        *,
        unnest(CASE WHEN role = 3 AND die(roll('split|' || invoice_id), 1) < 300 THEN [1, 2, 3] ELSE [NULL] END)
            AS instalment_no
    FROM documents LEFT JOIN credited USING (invoice_id) JOIN accounts USING (account_no)
)
SELECT
    invoice_id, instalment_no, account_no, role, currency, invoice_date, disputed,
    CASE WHEN instalment_no IS NULL THEN agreed_due_date ELSE invoice_date + 30 * instalment_no END AS due_date,
    CASE WHEN instalment_no IS NULL THEN gross_amount
        WHEN instalment_no < 3 THEN round(gross_amount * 0.3, 2)
        ELSE gross_amount - 2 * round(gross_amount * 0.3, 2) END::DECIMAL(18, 2) AS amount,
    -- the customer takes a credit off what it pays last
    amount - CASE WHEN instalment_no < 3 THEN 0 ELSE coalesce(credited_amount, 0) END::DECIMAL(18, 2) AS payable_amount
FROM dues;

INSERT INTO instalments BY NAME
SELECT invoice_id, instalment_no, due_date, amount FROM new_dues WHERE instalment_no IS NOT NULL;

CREATE OR REPLACE TEMP TABLE new_settlements AS
WITH rolled AS (
    SELECT *, roll('pay|' || invoice_id || '|' || coalesce(instalment_no, 1)) AS pay_roll
    FROM new_dues
    WHERE NOT disputed AND payable_amount > 0
), decided AS (
    SELECT
        *,
        CASE
            WHEN role = 5 AND months_left(getvariable('month')) = 3
                AND row_number() OVER (PARTITION BY account_no ORDER BY invoice_id) = 1 THEN 'in euro'
            WHEN role = 11 AND die(pay_roll, 1) < 700 THEN 'discount'
            WHEN role IN (1, 2, 11) THEN 'whole'
            WHEN die(pay_roll, 1) < 20 THEN 'never'
            WHEN die(pay_roll, 1) < 90 THEN 'partial'
            WHEN die(pay_roll, 1) < 100 THEN 'short'
            WHEN die(pay_roll, 1) < 110 THEN 'too much'
            ELSE 'whole'
        END AS outcome,
        CASE
            WHEN role IN (1, 11) THEN die(pay_roll, 1_000) % 5 - 3
            WHEN role = 6 THEN 10 + die(pay_roll, 1_000) * 35 // 1000
            WHEN role = 8
                THEN 15 + die(pay_roll, 1_000) * 45 // 1000 + greatest(0, 18 - 2 * months_left(getvariable('month')))
            WHEN die(pay_roll, 1_000) < 600 THEN die(pay_roll, 1_000) % 6 - 3
            WHEN die(pay_roll, 1_000) < 850 THEN 4 + die(pay_roll, 1_000) % 12
            ELSE 16 + die(pay_roll, 1_000) % 25
        END AS delay_days
    FROM rolled
)
SELECT
    *,
    workday(CASE WHEN outcome = 'discount' THEN invoice_date + 9 ELSE due_date + delay_days END) AS first_paid_date,
    -- a parent pays a third of its subsidiary's invoices
    CASE WHEN role = 2 AND die(pay_roll, 1_000_000) < 350 THEN account_no - 1 ELSE account_no END AS payer_no,
    round(payable_amount * CASE outcome
        WHEN 'partial' THEN 0.60 WHEN 'short' THEN 0.98 WHEN 'discount' THEN 0.98 WHEN 'too much' THEN 1.01 ELSE 1.00
    END, 2)::DECIMAL(18, 2) AS first_paid_amount
FROM decided;

INSERT INTO payment_queue BY NAME
WITH settlements AS (
    SELECT payer_no, invoice_id, instalment_no, first_paid_date, payable_amount, first_paid_amount, outcome, due_date
    FROM new_settlements
), parts AS (
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date, first_paid_amount AS amount,
        'receipt' AS payment_type
    FROM settlements
    WHERE outcome NOT IN ('never', 'in euro')
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 30) AS payment_date,
        payable_amount - first_paid_amount AS amount, 'receipt' AS payment_type
    FROM settlements
    WHERE outcome = 'partial'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date,
        payable_amount - first_paid_amount AS amount, 'discount' AS payment_type
    FROM settlements
    WHERE outcome = 'discount'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 45) AS payment_date,
        payable_amount - first_paid_amount AS amount, 'write_off' AS payment_type
    FROM settlements
    WHERE outcome = 'short'
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(due_date + 150) AS payment_date, payable_amount AS amount,
        'write_off' AS payment_type
    FROM settlements
    WHERE outcome = 'never' AND roll('write off|' || invoice_id) % 2 = 0
    UNION ALL BY NAME
    SELECT payer_no, invoice_id, instalment_no, workday(first_paid_date + 20) AS payment_date,
        first_paid_amount - payable_amount AS amount, 'refund' AS payment_type
    FROM settlements
    WHERE outcome = 'too much'
    UNION ALL BY NAME
    -- a US customer pays one dollar invoice in euro
    SELECT payer_no, invoice_id, instalment_no, first_paid_date AS payment_date,
        round(payable_amount * spot_rates.rate, 2)::DECIMAL(18, 2) AS amount, 'EUR' AS currency,
        'receipt' AS payment_type
    FROM settlements
    JOIN spot_rates ON spot_rates.currency = 'USD'
        AND spot_rates.rate_date = date_trunc('week', getvariable('month'))::DATE
    WHERE outcome = 'in euro'
    UNION ALL BY NAME
    -- an advance for tooling, before there is an invoice
    SELECT account_no AS payer_no, workday(getvariable('month') + 17) AS payment_date, 3500.00 AS amount, currency,
        'receipt' AS payment_type
    FROM accounts
    WHERE role = 9 AND months_left(getvariable('month')) = 1
)
SELECT * FROM parts WHERE amount > 0 AND payment_date <= getvariable('cutoff');
