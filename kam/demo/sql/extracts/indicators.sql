-- Vehicles made grow with the seasons; the price of rubber goes up and down.
SELECT
    'vehicle production' AS indicator, month,
    (1_450 * season_permille * (1000 + 30 * datediff('month', getvariable('first_month'), month) // 12) // 1_000_000)::BIGINT AS value,
    '1,000 vehicles' AS unit, 'Association of vehicle makers' AS source
FROM months
WHERE month <= getvariable('last_month')
UNION ALL
SELECT
    'natural rubber price', month, 1_500 + die(roll('rubber|' || month), 1) * 3 // 10, 'EUR per t', 'Commodity exchange'
FROM months
WHERE month <= getvariable('last_month')
ORDER BY indicator, month
