WITH targets AS (
    SELECT demand.account_no, demand.product_no, account_id, product_id, role, sold_from, foreseen_quantity,
        demand.month AS target_month, unnest([1, 2, 3]) AS lag
    FROM demand JOIN items USING (account_no, product_no)
    WHERE foreseen_quantity > 0
), steps AS (
    SELECT
        *, unnest(['sales', 'statistical']) AS forecast_step,
        later_month(target_month, -lag) AS snapshot_month
    FROM targets
), rolled AS (
    SELECT *, die(roll('forecast|' || forecast_step || '|' || account_no || '|' || product_no || '|'
        || target_month || '|' || lag), 1) AS noise
    FROM steps
    WHERE snapshot_month BETWEEN getvariable('first_month') AND getvariable('last_month')
      AND (sold_from IS NULL OR snapshot_month >= sold_from)
)
SELECT
    forecast_step, snapshot_month, target_month, account_id, product_id,
    greatest(0, foreseen_quantity * (1000
        + (noise - 500)
            * CASE forecast_step WHEN 'sales' THEN 150 + 60 * lag ELSE 260 + 90 * lag END // 1000
        + CASE WHEN role = 5 AND forecast_step = 'sales' THEN 320 ELSE 0 END) // 1000)::INTEGER AS quantity
FROM rolled
ORDER BY forecast_step, snapshot_month, account_id, product_id, target_month
