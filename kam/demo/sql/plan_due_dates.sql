SELECT version, min(due_date)
FROM (
    SELECT 'AOP FY' || year(year_start + INTERVAL 11 MONTH) AS version, year_start - 1 AS due_date
    FROM months
    WHERE year_start <= getvariable('last_month')
    UNION ALL
    SELECT 'Targets FY' || year(fiscal_year_start(getvariable('last_month')) + INTERVAL 11 MONTH),
        fiscal_year_start(getvariable('last_month')) - 1
)
GROUP BY version
ORDER BY version
