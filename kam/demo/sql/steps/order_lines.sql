-- Customers order ahead: what is ordered in a month is promised for the next.
CREATE OR REPLACE TEMP TABLE month_lines AS
WITH counted AS (
    SELECT
        items.*, demand.quantity AS demand_quantity, demand.unit_price,
        getvariable('lines_per_item_permille') // 1000
            + CASE WHEN die(roll('count|' || account_no || '|' || product_no || '|' || getvariable('month')), 1)
                < getvariable('lines_per_item_permille') % 1000 THEN 1 ELSE 0 END AS line_count
    FROM items JOIN demand USING (account_no, product_no)
    WHERE demand.month = getvariable('next_month') AND demand.quantity > 0
), numbered AS (
    SELECT *, unnest(range(line_count)) AS repeat_no FROM counted
), rolled AS (
    SELECT
        *,
        roll('line|' || account_no || '|' || product_no || '|' || getvariable('month') || '|' || repeat_no)
            AS line_roll,
        greatest(1, getvariable('items_per_account') * getvariable('lines_per_item_permille') // 3000) AS order_count
    FROM numbered
), slotted AS (
    SELECT *, (line_roll % order_count)::BIGINT AS slot FROM rolled
), grouped AS (
    SELECT
        *,
        format('SO{}-{:04d}-{:02d}', strftime(getvariable('month'), '%y%m'), account_no, slot + 1) AS order_id,
        roll('order|' || account_no || '|' || getvariable('month') || '|' || slot) AS order_roll,
        -- orders are spread over the month, in thousandths of it
        (slot * 1000 + die(order_roll, 1)) // order_count AS moment
    FROM slotted
), promised AS (
    SELECT
        *,
        workday(getvariable('month') + 2 + (moment * 24 // 1000)::INTEGER) AS order_date,
        workday(getvariable('next_month') + 8 + (moment * 19 // 1000)::INTEGER) AS promised_date
    FROM grouped
), shipped AS (
    SELECT
        *,
        greatest(1, demand_quantity * (850 + die(line_roll, 1_000) * 3 // 10) // 1000 // line_count)::INTEGER
            AS quantity,
        CASE
            WHEN die(line_roll, 1_000_000) < 15 THEN 'cancelled'
            WHEN die(line_roll, 1_000_000) < 30 AND months_left(getvariable('month')) < 4 THEN 'forgotten'
            WHEN die(line_roll, 1_000_000) < 50 THEN 'short'
            WHEN die(line_roll, 1_000_000) < 150 THEN 'split'
            ELSE 'whole'
        END AS outcome,
        CASE role
            WHEN 1 THEN greatest(780, 985 - 14 * months_left(getvariable('month')))
            WHEN 4 THEN least(955, 640 + 26 * months_left(getvariable('month')))
            ELSE 940
        END AS punctual_permille,
        -- the whole order is late, or one line of it; the first order of a month is not, so that each month has both
        CASE
            WHEN slot > 0 AND 2 * die(order_roll, 1_000_000) >= 1000 + punctual_permille
                THEN 2 + die(order_roll, 1_000_000_000) * 12 // 1000
            WHEN 2 * die(line_roll, 1_000_000_000) >= 1000 + punctual_permille
                THEN 3 + die(order_roll, 1_000) * 10 // 1000
            ELSE -die(order_roll, 1_000_000_000) * 4 // 1000
        END AS delay_days
    FROM promised
)
SELECT
    account_no, account_id, role, country, currency, segment, payment_terms_days, account_manager, product_id,
    unit_price, order_id,
    10 * row_number() OVER (PARTITION BY order_id ORDER BY product_no, repeat_no) AS line_no,
    order_date,
    CASE WHEN die(order_roll, 1_000) % 4 = 0 THEN workday(promised_date - 7) ELSE promised_date END AS requested_date,
    promised_date,
    CASE WHEN die(order_roll, 1_000) % 8 = 1 THEN workday(promised_date + 7) ELSE promised_date END
        AS last_promised_date,
    quantity, outcome,
    -- the order desk does not always note the day
    CASE WHEN outcome = 'cancelled' AND die(line_roll, 1_000) % 8 > 0
        AND workday(order_date + 4 + die(line_roll, 1_000) % 14) <= getvariable('cutoff')
        THEN workday(order_date + 4 + die(line_roll, 1_000) % 14) END AS cancelled_date,
    workday(promised_date + delay_days::INTEGER) AS shipped_date
FROM shipped;
