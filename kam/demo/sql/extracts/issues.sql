WITH rolled AS (
    SELECT items.*, months.month, roll('issue|' || account_no || '|' || months.month) AS issue_roll
    FROM items CROSS JOIN months
    WHERE months.month <= getvariable('last_month')
), opened AS (
    SELECT
        *,
        workday(month + 2 + die(issue_roll, 1_000) * 24 // 1000) AS opened_date,
        workday(
            opened_date + CASE WHEN role = 4 THEN 20 ELSE 4 END + die(issue_roll, 1_000_000) * 28 // 1000
        ) AS done_date
    FROM rolled
    WHERE place = (issue_roll % getvariable('items_per_account'))::INTEGER
      AND die(issue_roll, 1) < CASE WHEN role = 4 AND months_left(month) < 8 THEN 750 ELSE 300 END
)
SELECT
    format('ISS{}-{:04d}', strftime(month, '%y%m'), account_no) AS issue_id, account_id, product_id,
    ['quality', 'quality', 'delivery', 'delivery', 'cost', 'development', 'management']
        [1 + die(issue_roll, 1_000_000_000) % 7] AS dimension,
    ['complaint', 'complaint', 'audit_finding', 'request'][1 + die(issue_roll, 1_000_000_000) % 4]
        AS issue_type,
    opened_date, opened_date + 21 AS target_close_date,
    CASE WHEN die(issue_roll, 1_000_000) < 970 AND done_date <= getvariable('cutoff') THEN done_date END
        AS closed_date,
    CASE WHEN issue_type = 'complaint' THEN 1 + die(issue_roll, 1_000) % 12 END AS affected_quantity,
    ['minor', 'minor', 'major', 'critical'][1 + die(issue_roll, 1_000) % 4] AS severity
FROM opened
ORDER BY issue_id
