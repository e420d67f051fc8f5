CREATE OR REPLACE TEMP TABLE new_deliveries AS
WITH parts AS (
    SELECT *, 1 AS part, shipped_date AS delivered_date,
        CASE WHEN outcome = 'short' THEN greatest(1, quantity * 95 // 100) ELSE quantity END AS delivered_quantity
    FROM month_lines
    WHERE outcome IN ('whole', 'short') OR (outcome = 'split' AND quantity = 1)
    UNION ALL
    SELECT *, 1, workday(shipped_date - 4), greatest(1, quantity * 6 // 10)
    FROM month_lines WHERE outcome = 'split' AND quantity > 1
    UNION ALL
    SELECT *, 2, shipped_date, quantity - greatest(1, quantity * 6 // 10)
    FROM month_lines WHERE outcome = 'split' AND quantity > 1
), arrived AS (
    SELECT
        *,
        'DN' || substr(order_id, 3) || '-' || strftime(delivered_date, '%m%d') AS delivery_id,
        roll('reject|' || order_id || '|' || line_no || '|' || part) AS reject_roll,
        CASE
            WHEN role = 1 THEN least(60, 8 + 3 * months_left(getvariable('month')))
            WHEN role = 4 THEN greatest(30, 260 - 20 * months_left(getvariable('month')))
            WHEN segment = 'vehicle maker' THEN 40
            ELSE 8
        END AS reject_permille
    FROM parts
    WHERE delivered_date <= getvariable('cutoff')
)
SELECT
    * EXCLUDE (line_no), line_no AS order_line_no,
    row_number() OVER (PARTITION BY delivery_id ORDER BY line_no, part) AS line_no,
    CASE WHEN die(reject_roll, 1) < reject_permille
        THEN least(delivered_quantity, 1 + delivered_quantity * die(reject_roll, 1_000) // 250000) ELSE 0 END::INTEGER
        AS rejected_quantity,
    workday(delivered_date + (roll('invoice|' || delivery_id) % 3)::INTEGER) AS invoice_date
FROM arrived;

INSERT INTO delivery_queue BY NAME
SELECT delivery_id, line_no, order_id, order_line_no, delivered_date, delivered_quantity AS quantity, rejected_quantity
FROM new_deliveries;

-- One invoice a delivery note; a few of the last months are disputed.
INSERT INTO document_queue BY NAME
SELECT
    'INV' || substr(delivery_id, 3) AS invoice_id,
    line_no, 'invoice' AS document_type, account_no, product_id, order_id, order_line_no,
    invoice_date, invoice_date + payment_terms_days AS due_date,
    delivered_quantity AS quantity,
    delivered_quantity * unit_price AS net_amount,
    CASE WHEN country = 'DE' THEN round(delivered_quantity * unit_price * 0.19, 2) ELSE 0 END AS tax_amount,
    months_left(month_of(invoice_date)) < 4
        AND die(roll('dispute|' || delivery_id), 1) < CASE role WHEN 4 THEN 90 ELSE 25 END AS disputed,
    rejected_quantity, unit_price
FROM new_deliveries
WHERE invoice_date <= getvariable('cutoff');
