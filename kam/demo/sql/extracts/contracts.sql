-- One supply contract per account, renewed each year. Notice of one has to be given in the month after the last one; one has expired, one is
-- terminated, one is not signed by the customer, and one is new in the last month.
WITH dated AS (
    SELECT
        account_id, account_no, role, payment_terms_days,
        -- The first of the month after the last day of its present year.
        CASE WHEN role = 4 THEN later_month(getvariable('last_month'), 5)
            WHEN role = 10 THEN later_month(getvariable('last_month'), -3)
            WHEN role = 9 THEN later_month(getvariable('last_month'), 24)
            ELSE later_month(getvariable('last_month'), 6 + account_no % 6)
        END AS next_start
    FROM accounts
)
SELECT
    format('SC-{:04d}', account_no) AS contract_id,
    account_id,
    later_month(next_start, -24) AS start_date,
    -- Of the contracts that are renewed, the first year has passed.
    CASE WHEN role IN (9, 10, 12) THEN next_start ELSE later_month(next_start, -12) END - 1 AS end_date,
    90 AS notice_days,
    role NOT IN (9, 10, 12) AS is_renewed_automatically,
    workday(later_month(next_start, -24) - 20) AS signed_by_us,
    CASE WHEN role <> 12 THEN workday(later_month(next_start, -24) - 14) END AS signed_by_customer,
    CASE WHEN role = 8 THEN workday(getvariable('last_month') + 19) END AS terminated_on,
    payment_terms_days,
    'Supply contract' AS title
FROM dated
ORDER BY contract_id
