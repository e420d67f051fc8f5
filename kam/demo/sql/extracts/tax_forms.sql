-- Indian customers send a C-form for each quarter, about seven weeks after it ended. One takes three months and more, and never sent
-- that of the quarter that ended a year ago.
WITH owed AS (
    SELECT
        accounts.account_no, account_id, role, currency, quarter_start, later_month(quarter_start, 2) AS last_month_of_it,
        sum(form_due.net_amount) AS amount,
        workday(
            later_month(quarter_start, 3) + CASE WHEN role = 7 THEN 99 ELSE 40 END
            + (roll('form|' || accounts.account_no || '|' || quarter_start) % 12)::INTEGER
        ) AS received_date
    FROM form_due JOIN accounts USING (account_no)
    GROUP BY ALL
)
SELECT
    format('CF-{:04d}-{}', account_no, strftime(quarter_start, '%Y%m')) AS form_id,
    'C-form' AS form_type,
    account_id,
    year(later_month(fiscal_year_start(quarter_start), 12)) AS fiscal_year,
    1 + datediff('month', fiscal_year_start(quarter_start), quarter_start) // 3 AS quarter,
    received_date,
    amount,
    currency
FROM owed
WHERE received_date <= getvariable('cutoff') AND NOT (role = 7 AND months_left(last_month_of_it) BETWEEN 12 AND 14)
ORDER BY form_id
