-- A share of each month's sales. Since a year ago, one account that buys more than planned gets much of it by express, with engineers in its
-- works and a bonus at the month's end: nothing is left of what it pays.
WITH shares AS (
    FROM (VALUES ('freight', 38, 120), ('rebate', 30, 95), ('service', 26, 85), ('warranty', 9, 27), ('other', 8, 18))
        AS t(cost_type, usual_permille, story_permille)
), rolled AS (
    SELECT
        sold.month, sold.net_amount, accounts.*, cost_type,
        CASE WHEN role = 3 AND months_left(sold.month) < 12 THEN story_permille ELSE usual_permille END AS permille,
        900 + die(roll('cost|' || account_no || '|' || sold.month || '|' || cost_type), 1) // 5 AS luck
    FROM sold JOIN accounts USING (account_no) CROSS JOIN shares
)
SELECT
    account_id, month, cost_type,
    round(net_amount * (permille * luck)::INTEGER * 0.000001, 2)::DECIMAL(18, 2) AS amount,
    currency
FROM rolled
WHERE amount > 0
ORDER BY account_id, month, cost_type
