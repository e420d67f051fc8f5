-- Three projects: one has cost its money and earns it back next year, one never will, one is about to begin.
WITH cases AS (
    FROM (VALUES
        (1, 'seal line', -10, 1, 240000, 11000, 36),
        (4, 'heated windscreens', -16, 3, 120000, 1500, 60),
        (6, 'mount plant', 2, 4, 9000000, 800000, 48)
    ) AS t(account_no, project, starts_in, paid_in_months, investment, monthly, lasts_months)
), flows AS (
    SELECT
        *,
        later_month(getvariable('last_month'), starts_in + number) AS month,
        CASE WHEN number < paid_in_months THEN -investment // paid_in_months ELSE monthly END AS cash_flow
    FROM cases CROSS JOIN range(0, 64) AS t(number)
    WHERE number < paid_in_months + lasts_months
)
SELECT
    format('BC-{:04d}', account_no) AS case_id, month, account_id, project AS project_id, cash_flow, currency,
    CASE WHEN currency = 'INR' THEN 0.14 ELSE 0.08 END AS discount_rate
FROM flows JOIN accounts USING (account_no)
ORDER BY case_id, month
