WITH named AS (
    SELECT
        CASE payment_type WHEN 'write_off' THEN 'WO' WHEN 'refund' THEN 'RF' ELSE 'PY' END
            || strftime(payment_date, '%y%m%d') || format('-{:04d}', payer_no) AS payment_id,
        *
    FROM payment_queue
    WHERE payment_date < getvariable('next_month')
)
SELECT
    payment_id,
    row_number() OVER (
        PARTITION BY payment_id ORDER BY invoice_id NULLS LAST, instalment_no, payment_type DESC, amount
    ) AS line_no,
    account_id, invoice_id, instalment_no, payment_date, amount, named.currency, payment_type
FROM named JOIN accounts ON account_no = payer_no
ORDER BY payment_date, payment_id, line_no
