-- A limit of several months' sales; for one account of half of that, so that it is broken.
WITH average AS (
    SELECT account_no, avg(net_amount)::BIGINT AS net_amount FROM sold GROUP BY account_no
)
SELECT
    account_id, account_name, parent_account_id, account_manager, segment, 'automotive' AS industry, region,
    country, currency, payment_terms_days,
    1000 * (1 + coalesce(net_amount, 0) * CASE role WHEN 6 THEN 3 WHEN 8 THEN 7 ELSE 6 END // 1000)
        AS credit_limit,
    key_account,
    CASE segment WHEN 'vehicle maker' THEN 'OEM' WHEN 'fleet' THEN 'fleet' ELSE 'dealer' END AS account_type,
    CASE WHEN volume >= 4000 THEN 'A' WHEN volume >= 1000 THEN 'B' ELSE 'C' END AS account_class,
    CASE segment WHEN 'vehicle maker' THEN 'original equipment' ELSE 'aftermarket' END AS business_unit,
    DATE '1998-01-01' + (roll('since|' || account_no) % 8000)::INTEGER AS customer_since,
    CASE segment WHEN 'vehicle maker' THEN 'IATF 16949' WHEN 'fleet' THEN 'ISO 9001' END AS quality_standard,
    -- of all its suppliers, one to four times what it buys from us
    10000 * (12 * coalesce(net_amount, 0) * (3 + roll('spend|' || account_no) % 6) // 20000)::BIGINT AS annual_spend,
    CASE segment WHEN 'vehicle maker' THEN 0.22 WHEN 'fleet' THEN 0.28 ELSE 0.3 END AS target_margin_ratio
FROM accounts LEFT JOIN average USING (account_no)
ORDER BY account_id
