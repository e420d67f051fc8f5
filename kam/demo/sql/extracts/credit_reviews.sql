-- Each account is reviewed twice a year, two or three a month. One that pays late is reviewed every quarter, falls and is blocked; one that is above its
-- limit falls once, and is recommended a lower one; of one the last review is overdue.
WITH average AS (
    SELECT account_no, avg(net_amount)::BIGINT AS net_amount FROM sold GROUP BY account_no
), due AS (
    SELECT
        accounts.*, months.month, months_left(month) AS left_over, CASE WHEN role = 8 THEN 3 ELSE 6 END AS interval_months,
        roll('credit|' || account_no || '|' || month) AS review_roll
    FROM accounts CROSS JOIN months
    WHERE month <= getvariable('last_month')
      AND (month(month) + account_no) % interval_months = 0
      AND NOT (role = 10 AND months_left(month) < 6)
), graded AS (
    SELECT
        *,
        workday(month + 4 + die(review_roll, 1) * 20 // 1000) AS reviewed_on,
        CASE role
            WHEN 8 THEN CASE WHEN left_over >= 12 THEN 3 WHEN left_over >= 6 THEN 4 WHEN left_over >= 3 THEN 5 ELSE 6 END
            WHEN 6 THEN CASE WHEN left_over >= 6 THEN 3 ELSE 5 END
            WHEN 10 THEN 4
            WHEN 5 THEN 1
            ELSE 2 + account_no % 2
        END AS grade
    FROM due
)
SELECT
    account_id, reviewed_on, 'Lindenblatt Credit Report' AS agency,
    ['AA', 'A', 'BBB', 'BB', 'B', 'CCC'][grade] AS rating,
    ['low', 'low', 'medium', 'medium', 'high', 'high'][grade] AS risk_class,
    100 - 14 * grade + (die(review_roll, 1_000) % 10) AS score,
    1000 * (1 + coalesce(net_amount, 0) * (7 - grade) // 1000) AS recommended_limit,
    currency,
    workday(later_month(month, interval_months) + 14) AS next_review_on,
    role = 8 AND left_over < 3 AS is_blocked
FROM graded LEFT JOIN average USING (account_no)
ORDER BY account_id, reviewed_on
