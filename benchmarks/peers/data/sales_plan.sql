-- By account, part and month, a version a year. One item in 25 is not planned.
SELECT
    'B' || year(month) AS plan_version,
    month::DATE AS month,
    account_id(a) AS account_id,
    product_id(product_no(a, slot)) AS product_id,
    usual_quantity() * (80 + draw(a * 16 + slot, month::DATE::VARCHAR, 41)) // 100 AS quantity,
    (unit_price(a, product_no(a, slot)) * (97 + draw(a * 16 + slot, 'plan', 7)) / 100)::DECIMAL(18, 2) AS unit_price,
    account_currency(a) AS currency
FROM range(getvariable('accounts')) AS r(a)
CROSS JOIN range(13) AS s(slot)
CROSS JOIN generate_series(first_day(), last_day_known(), INTERVAL 1 MONTH) AS m(month)
WHERE draw(a * 16 + slot, 'planned', 25) > 0
