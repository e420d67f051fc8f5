WITH average AS (
    SELECT account_no, avg(net_amount)::BIGINT // 100 * 100 AS amount FROM sold GROUP BY account_no
)
SELECT account_id, months.month, amount, currency
FROM accounts JOIN average USING (account_no) CROSS JOIN months
WHERE role IN (6, 8) AND months_left(months.month) BETWEEN -2 AND 5
ORDER BY account_id, months.month
