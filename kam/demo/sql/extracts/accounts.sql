-- A limit of several months' sales; for one account of half of that, so that it is broken.
WITH average AS (
    SELECT account_no, avg(net_amount)::BIGINT AS net_amount FROM sold GROUP BY account_no
)
SELECT
    account_id, account_name, parent_account_id, account_manager, segment, 'automotive' AS industry, region,
    country, currency, payment_terms_days,
    1000 * (1 + coalesce(net_amount, 0) * CASE role WHEN 6 THEN 3 WHEN 8 THEN 7 ELSE 6 END // 1000)
        AS credit_limit,
    key_account
FROM accounts LEFT JOIN average USING (account_no)
ORDER BY account_id
