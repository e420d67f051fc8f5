-- What account managers hear of competitors: mostly higher prices than ours, and how they deliver. At one account one sells windscreens below our
-- price since spring.
WITH rolled AS (
    SELECT
        items.*, months.month, months_left(month) AS left_over, demand.unit_price,
        roll('competitor|' || account_no || '|' || months.month) AS seen_roll,
        workday(months.month + 2 + die(seen_roll, 1) * 24 // 1000) AS observed_on
    FROM items CROSS JOIN months JOIN demand USING (account_no, product_no, month)
    WHERE months.month <= getvariable('last_month') AND demand.quantity > 0
), prices AS (
    SELECT
        *, 'price' AS kind,
        role = 3 AND left_over < 9 AND product_line = 'windscreens' AS is_cheaper,
        (unit_price * CASE WHEN is_cheaper THEN 0.940 ELSE 1.040 + (die(seen_roll, 1_000) // 10) * 0.001 END)::DECIMAL(18, 2) AS value
    FROM rolled
    WHERE is_cheaper OR (place = (seen_roll % getvariable('items_per_account'))::INTEGER AND die(seen_roll, 1_000_000) < 300 AND NOT (role = 3 AND left_over < 9))
), service AS (
    SELECT *, false AS is_cheaper, (0.880 + die(seen_roll, 1_000) * 0.0001)::DECIMAL(18, 2) AS value
    FROM (SELECT *, 'otif' AS kind FROM rolled WHERE place = 0 AND (month(month) + account_no) % 6 = 0)
)
SELECT
    format('OBS{}-{:04d}-{}-{}', strftime(month, '%y%m'), account_no, kind, place) AS observation_id,
    observed_on, account_id,
    CASE WHEN is_cheaper THEN 'Verrex' ELSE ['Verrex', 'Gommatec', 'Halden Rubber'][1 + die(seen_roll, 1) % 3] END AS competitor_id,
    product_line,
    CASE WHEN kind = 'price' THEN product_id END AS product_id,
    kind, value,
    CASE WHEN kind = 'price' THEN currency END AS currency,
    CASE WHEN is_cheaper THEN 'purchasing of the customer' ELSE 'heard in a visit' END AS source
FROM (FROM prices UNION ALL BY NAME FROM service)
WHERE observed_on <= getvariable('cutoff')
ORDER BY observation_id
