WITH currencies AS (FROM (VALUES ('USD', 0.92), ('GBP', 1.17), ('CZK', 0.04)) AS c(currency, rate))
SELECT
    currency,
    day::DATE AS rate_date,
    (rate * (10000 + draw(currency, day::DATE::VARCHAR, 401) - 200) / 10000)::DECIMAL(18, 6) AS rate,
    'spot' AS rate_type
FROM currencies
CROSS JOIN generate_series(first_day() - INTERVAL 31 DAY, last_day_known(), INTERVAL 1 DAY) AS d(day)
UNION ALL
SELECT currency, month::DATE, (rate * (10000 + draw(currency, month::DATE::VARCHAR || 'a', 201) - 100) / 10000)::DECIMAL(18, 6), 'average'
FROM currencies
CROSS JOIN generate_series(first_day() - INTERVAL 1 MONTH, last_day_known(), INTERVAL 1 MONTH) AS m(month)
UNION ALL
SELECT currency, make_date(year(first_day()) + y, 1, 1), (rate * (100 + y) / 100)::DECIMAL(18, 6), 'budget'
FROM currencies
CROSS JOIN range(4) AS y(y)
