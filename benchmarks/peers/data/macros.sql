-- The variables lines, orders, accounts, first_day, last_day and day_count are set; every value follows from a row's own number.
CREATE MACRO draw(key, salt, n) AS (hash(key, salt) % n)::INTEGER;
CREATE MACRO account_id(account) AS 'A' || lpad(account::VARCHAR, 4, '0');
CREATE MACRO account_currency(account) AS ['EUR', 'USD', 'EUR', 'GBP', 'EUR', 'CZK'][account % 6 + 1];
-- Each account buys twelve of the 500 parts; the thirteenth is planned and never bought.
CREATE MACRO product_no(account, slot) AS (account * 7 + slot * 41) % 500;
CREATE MACRO product_id(product) AS 'P' || lpad(product::VARCHAR, 4, '0');
CREATE MACRO unit_price(account, product) AS ((500 + product * 35) * (90 + draw(account, 'price', 21)) // 100 / 100)::DECIMAL(18, 2);
CREATE MACRO first_day() AS getvariable('first_day');
CREATE MACRO last_day_known() AS getvariable('last_day');
-- What an item sells in a month on average.
CREATE MACRO usual_quantity() AS greatest(getvariable('lines') * 100 // (36 * 12 * getvariable('accounts')), 10);

CREATE TABLE orders AS
SELECT
    *,
    requested_date + draw(n, 'promise', 3) AS promised_date,
    promised_date + CASE WHEN draw(n, 'moved', 10) = 0 THEN 5 ELSE 0 END AS last_promised_date,
    last_promised_date + CASE draw(n, 'late', 10) WHEN 8 THEN 2 WHEN 9 THEN 9 ELSE -draw(n, 'early', 4) END AS delivered_date,
    delivered_date + 1 AS invoice_date,
    invoice_date + [30, 45, 60][account % 3 + 1] AS due_date,
    invoice_date + 20 AS credit_date,
    NOT is_cancelled AND invoice_date <= last_day_known() AS is_invoiced,
    is_invoiced AND draw(n, 'credit', 40) = 0 AND credit_date <= last_day_known() AS is_credited
FROM (
    SELECT
        n::INTEGER AS n,
        draw(n, 'account', getvariable('accounts')) AS account,
        CASE WHEN draw(n, 'currency', 20) = 0 THEN 'EUR' ELSE account_currency(account) END AS currency,
        first_day() + (n * getvariable('day_count') // getvariable('orders'))::INTEGER AS order_date,
        order_date + 7 + draw(n, 'lead', 14) AS requested_date,
        draw(n, 'cancel', 50) = 0 AS is_cancelled
    FROM range(getvariable('orders')) AS r(n)
);

CREATE VIEW lines AS
SELECT
    orders.*,
    line.line_no,
    n * 4 + line.line_no AS i,
    product_no(account, (draw(n, 'slot', 12) + line.line_no * 3) % 12) AS product,
    (10 * (1 + draw(i, 'quantity', 20)))::INTEGER AS quantity,
    unit_price(account, product) AS price,
    draw(i, 'split', 10) = 0 AS is_split,
    NOT is_split AND draw(i, 'short', 100) = 0 AS is_short,
    CASE WHEN is_short THEN quantity * 9 // 10 ELSE quantity END AS delivered_quantity,
    (delivered_quantity * price)::DECIMAL(18, 2) AS net_amount
FROM orders
CROSS JOIN (VALUES (1), (2), (3), (4)) AS line(line_no);
