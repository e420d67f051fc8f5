-- The audit of one customer goes better than a year before; the approval of another one ends soon; one calls us its supplier of the year.
-- Every month some customer is asked how satisfied it is.
WITH dated AS (
    SELECT
        account_id, account_no, role,
        later_month(getvariable('last_month'), -14) AS audited,
        later_month(getvariable('last_month'), -2) AS audited_again
    FROM accounts
), given AS (
    SELECT format('AUD{:04d}-1', account_no) AS assessment_id, 'VDA 6.3' AS criterion, account_id, 'audit' AS kind,
        workday(audited + 9) AS assessed_on, workday(audited + 374) AS valid_until, 246 AS points, 300 AS max_points,
        'Process audit' AS title
    FROM dated WHERE role = 1
    UNION ALL
    SELECT format('AUD{:04d}-2', account_no), 'VDA 6.3', account_id, 'audit',
        workday(audited_again + 9), workday(audited_again + 374), 273, 300, 'Process audit'
    FROM dated WHERE role = 1
    UNION ALL
    -- The approvals of vehicle makers hold for three years; that of role 2 is the oldest.
    SELECT format('APP{:04d}', account_no), 'supplier approval', account_id, 'certificate',
        greatest(getvariable('first_month'), later_month(getvariable('last_month'), CASE role WHEN 2 THEN -35 ELSE -10 - role END) + 14),
        later_month(getvariable('last_month'), CASE role WHEN 2 THEN 1 ELSE 26 - role END) + 13, NULL, NULL, 'Approval as supplier'
    FROM dated WHERE role BETWEEN 1 AND 6
    UNION ALL
    SELECT 'ISO14001', 'ISO 14001', NULL, 'certificate',
        greatest(getvariable('first_month'), later_month(getvariable('last_month'), -20) + 4),
        later_month(getvariable('last_month'), 16) + 3, NULL, NULL, 'Environmental management'
    UNION ALL
    SELECT format('AWA{:04d}', account_no), 'overall', account_id, 'award', workday(later_month(getvariable('last_month'), -4) + 17),
        NULL, NULL, NULL, 'Supplier of the year'
    FROM dated WHERE role = 5
    UNION ALL
    SELECT format('SUR{:04d}-{}', account_no, strftime(month, '%Y%m')), 'satisfaction', account_id, 'survey',
        workday(month + 5 + die(roll('survey|' || account_no || '|' || month), 1) * 20 // 1000), NULL,
        6 + die(roll('survey|' || account_no || '|' || month), 1_000) % 4, 10, 'Survey of customers'
    FROM dated CROSS JOIN months
    WHERE month <= getvariable('last_month') AND (month(month) + account_no) % 12 = 0
)
SELECT assessment_id, criterion, account_id, kind, assessed_on::DATE AS assessed_on, valid_until::DATE AS valid_until, points, max_points, title
FROM given
WHERE assessed_on BETWEEN getvariable('first_month') AND getvariable('cutoff')
ORDER BY assessment_id, criterion
