SELECT
    account_id(a) AS account_id,
    'Account ' || a AS account_name,
    'Manager ' || a % 10 AS account_manager,
    ['north', 'south', 'east', 'west'][a % 4 + 1] AS region,
    account_currency(a) AS currency,
    [30, 45, 60][a % 3 + 1] AS payment_terms_days
FROM range(getvariable('accounts')) AS r(a)
