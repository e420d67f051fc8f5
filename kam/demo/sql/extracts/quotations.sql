-- Offers on what the account buys, some with a second, lower price. Half are won; one account goes to a cheaper competitor since spring.
WITH rolled AS (
    SELECT items.*, months.month, roll('quotation|' || account_no || '|' || months.month) AS quotation_roll
    FROM items CROSS JOIN months
    WHERE months.month <= getvariable('last_month')
), asked AS (
    SELECT
        rolled.*,
        format('RFQ{}-{:04d}', strftime(rolled.month, '%y%m'), rolled.account_no) AS quotation_id,
        CASE WHEN die(quotation_roll, 1) % 3 = 0 THEN 'existing' ELSE 'new' END AS project_type,
        workday(rolled.month + 2 + die(quotation_roll, 1_000) * 20 // 1000) AS rfq_date,
        rfq_date + 14 AS requested_by,
        workday(rfq_date + 4 + die(quotation_roll, 1_000_000) * 14 // 1000) AS first_quoted,
        workday(first_quoted + 10 + die(quotation_roll, 1_000) * 10 // 1000) AS second_quoted,
        workday(first_quoted + 25 + die(quotation_roll, 1_000_000_000) * 40 // 1000) AS ended_on,
        12 * base_quantity AS quantity,
        demand.unit_price,
        (demand.unit_price * (900 + die(quotation_roll, 1) // 10) * 0.001)::DECIMAL(18, 2) AS target_price,
        CASE
            WHEN role = 3 THEN CASE WHEN months_left(rolled.month) < 8 THEN 'lost' ELSE 'won' END
            WHEN die(quotation_roll, 1_000_000_000) < 60 THEN 'declined'
            WHEN die(quotation_roll, 1_000_000_000) < 120 THEN 'withdrawn'
            WHEN die(quotation_roll, 1_000_000_000) < 560 THEN 'won'
            ELSE 'lost'
        END AS outcome
    FROM rolled JOIN demand USING (account_no, product_no, month)
    WHERE place = (quotation_roll % getvariable('items_per_account'))::INTEGER
      AND demand.quantity > 0
      AND (role = 3 OR die(quotation_roll, 1) < 500)
), revisions AS (
    SELECT *, 0 AS revision, unit_price AS price, CASE WHEN outcome <> 'declined' THEN first_quoted END AS quoted_on FROM asked
    UNION ALL
    SELECT *, 1, (unit_price * 0.970)::DECIMAL(18, 2), second_quoted FROM asked
    WHERE outcome <> 'declined' AND die(quotation_roll, 1_000) < 300
)
SELECT
    quotation_id, revision, account_id, product_id, project_type, rfq_date, requested_by,
    CASE WHEN quoted_on <= getvariable('cutoff') THEN quoted_on END AS quoted_date,
    quantity,
    CASE WHEN quoted_on <= getvariable('cutoff') THEN price END AS unit_price,
    target_price, currency,
    CASE WHEN ended_on <= getvariable('cutoff') THEN outcome END AS decision,
    CASE WHEN ended_on <= getvariable('cutoff') THEN ended_on END AS decided_date,
    CASE WHEN decision = 'lost' THEN CASE WHEN role = 3 THEN 'price' ELSE ['price', 'lead time', 'tooling cost'][1 + die(quotation_roll, 1) % 3] END END AS lost_reason,
    CASE WHEN decision = 'lost' THEN CASE WHEN role = 3 THEN 'Verrex' ELSE ['Verrex', 'Gommatec', 'Halden Rubber'][1 + die(quotation_roll, 1_000) % 3] END END AS competitor_id,
    die(quotation_roll, 1) % 20 > 0 AS has_drawing,
    true AS has_quantity,
    die(quotation_roll, 1_000) % 10 > 0 AS has_specification,
    die(quotation_roll, 1_000_000) % 10 > 0 AS has_usage,
    die(quotation_roll, 1_000_000_000) % 4 > 0 AS has_sample,
    account_manager
FROM revisions
WHERE CASE WHEN revision = 0 THEN rfq_date ELSE quoted_on END <= getvariable('cutoff')
ORDER BY quotation_id, revision
