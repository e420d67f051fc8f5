SELECT
    step AS forecast_step,
    (month - lag * INTERVAL 1 MONTH)::DATE AS snapshot_month,
    month::DATE AS target_month,
    account_id(a) AS account_id,
    product_id(product_no(a, slot)) AS product_id,
    usual_quantity() * (60 + draw(a * 16 + slot, month::DATE::VARCHAR || step || lag, 81)) // 100 AS quantity
FROM range(getvariable('accounts')) AS r(a)
CROSS JOIN range(12) AS s(slot)
CROSS JOIN (VALUES ('sales', 1), ('sales', 2), ('statistical', 1)) AS steps(step, lag)
CROSS JOIN generate_series(first_day(), last_day_known(), INTERVAL 1 MONTH) AS m(month)
WHERE draw(a * 16 + slot, 'forecast', 20) > 0
