SELECT
    'O' || n AS order_id,
    line_no,
    account_id(account) AS account_id,
    product_id(product) AS product_id,
    order_date,
    requested_date,
    promised_date,
    last_promised_date,
    quantity,
    price AS unit_price,
    currency,
    CASE
        WHEN is_cancelled THEN 'cancelled'
        WHEN delivered_date + CASE WHEN is_split THEN 4 ELSE 0 END <= last_day_known() THEN 'closed'
        ELSE 'open'
    END AS status,
    CASE WHEN is_cancelled AND n % 2 = 0 AND order_date + 3 <= last_day_known() THEN order_date + 3 END AS cancelled_date
FROM lines
