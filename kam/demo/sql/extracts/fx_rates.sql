SELECT currency, rate_date, 'spot' AS rate_type, rate FROM spot_rates
UNION ALL
SELECT currency, last_day(rate_date), 'average', avg(rate)::DECIMAL(18, 6)
FROM spot_rates
WHERE rate_date >= getvariable('first_month')
GROUP BY currency, last_day(rate_date)
UNION ALL
SELECT currency, year_start, 'budget', rate FROM budget_rates
ORDER BY currency, rate_type, rate_date
