-- grain: order line × basis, for the lines due in a month of core.rating_months
-- why: what was known at the end of the month a line was due in; the delivery figures only count these rows
-- materialise: view
WITH due_days AS (
    SELECT days.calendar_date, months.period_month, months.as_of_date
    FROM core.days AS days
    JOIN core.rating_months AS months USING (period_month)
),

bounds AS (
    SELECT min(calendar_date) AS first_date, max(calendar_date) AS last_date FROM due_days
),

-- The bounds only save work: what is due is decided by its day.
order_lines AS (
    SELECT
        orders.order_id,
        orders.line_no,
        orders.account_id,
        orders.quantity,
        orders.requested_date,
        orders.promised_date,
        orders.last_promised_date
    FROM core.orders AS orders
    JOIN bounds
      ON least(orders.requested_date, orders.promised_date, orders.last_promised_date) <= bounds.last_date
     AND greatest(orders.requested_date, orders.promised_date, orders.last_promised_date) >= bounds.first_date
    WHERE orders.status IS DISTINCT FROM 'cancelled'
      AND orders.quantity > 0
),

-- A line keeps its few deliveries as a list: three times as many rows are then judged without another join. Lists are gathered
-- only for the lines that were delivered in parts, because a gathering of millions does not spill to disk.
deliveries_of_lines AS MATERIALIZED (
    SELECT order_id, line_no, count(*) AS delivery_count, min(delivered_date) AS delivered_date, sum(quantity) AS quantity
    FROM core.delivery_lines
    SEMI JOIN order_lines USING (order_id, line_no)
    GROUP BY order_id, line_no
),

arrivals AS (
    SELECT order_id, line_no, [{ 'date': delivered_date, 'quantity': quantity::DECIMAL(18, 4) }] AS arrivals
    FROM deliveries_of_lines
    WHERE delivery_count = 1
    UNION ALL
    SELECT order_id, line_no, list({ 'date': delivered_date, 'quantity': quantity::DECIMAL(18, 4) })
    FROM core.delivery_lines
    SEMI JOIN (FROM deliveries_of_lines WHERE delivery_count > 1) USING (order_id, line_no)
    GROUP BY order_id, line_no
),

due AS (
    SELECT
        lines.basis,
        due_days.period_month,
        due_days.as_of_date,
        lines.account_id,
        lines.order_id,
        lines.line_no,
        lines.due_date,
        lines.due_date - settings.early_days AS window_start,
        lines.due_date + settings.late_days AS window_end,
        lines.quantity,
        lines.quantity * (1 - settings.quantity_tolerance_ratio) AS least_quantity,
        -- Too much is a fault only where a tolerance is set.
        CASE
            WHEN settings.quantity_tolerance_ratio > 0 THEN lines.quantity * (1 + settings.quantity_tolerance_ratio)
        END AS most_quantity,
        -- Later deliveries are not known yet, whatever the window.
        coalesce([arrival FOR arrival IN lines.arrivals IF arrival.date <= due_days.as_of_date], []) AS arrivals
    FROM (
        FROM (FROM order_lines LEFT JOIN arrivals USING (order_id, line_no))
        UNPIVOT (
            due_date FOR basis IN (
                requested_date AS requested, promised_date AS promised, last_promised_date AS last_promised
            )
        )
    ) AS lines
    JOIN due_days ON due_days.calendar_date = lines.due_date
    CROSS JOIN build.settings AS settings
),

-- Split deliveries count together.
delivered AS (
    SELECT
        *,
        coalesce(list_sum([arrival.quantity FOR arrival IN arrivals]), 0) AS delivered_quantity,
        coalesce(
            list_sum([
                arrival.quantity FOR arrival IN arrivals
                IF arrival.date <= window_end AND (window_start IS NULL OR arrival.date >= window_start)
            ]),
            0
        ) AS window_quantity,
        list_min([
            arrival.date FOR arrival IN arrivals
            IF list_sum([earlier.quantity FOR earlier IN arrivals IF earlier.date <= arrival.date]) >= least_quantity
        ]) AS completed_date
    FROM due
)

SELECT
    basis,
    period_month,
    as_of_date,
    account_id,
    order_id,
    line_no,
    due_date,
    quantity,
    delivered_quantity,
    least(window_quantity, quantity) AS on_time_quantity,
    completed_date,
    window_quantity > 0 AND window_quantity >= least(least_quantity, delivered_quantity) AS is_on_time,
    completed_date IS NOT NULL AND (most_quantity IS NULL OR delivered_quantity <= most_quantity) AS is_in_full,
    completed_date IS NULL AS is_open,
    completed_date IS NULL OR completed_date > window_end AS is_late,
    coalesce(completed_date, as_of_date) - due_date AS days_late
FROM delivered
