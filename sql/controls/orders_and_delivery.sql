-- why: order lines due in the month are not judged, or judged twice, and on time in full is wrong
-- needs: orders
WITH due AS (
    SELECT days.period_month, lines.basis, lines.account_id, lines.quantity, lines.status
    FROM (
        FROM (
            SELECT account_id, quantity, status, requested_date, promised_date, last_promised_date FROM core.orders
        )
        UNPIVOT (
            due_date FOR basis IN (
                requested_date AS requested, promised_date AS promised, last_promised_date AS last_promised
            )
        )
    ) AS lines
    JOIN core.days AS days ON days.calendar_date = lines.due_date
    SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month
),

sides AS (
    SELECT
        period_month,
        basis,
        account_id,
        sum(quantity) AS left_amount,
        coalesce(sum(quantity) FILTER (WHERE status = 'cancelled'), 0) AS right_amount
    FROM due
    GROUP BY ALL
    UNION ALL
    SELECT period_month, basis, account_id, 0, quantity_due FROM build.delivery_performance
)

SELECT
    period_month,
    'order lines ' || replace(basis, '_', ' ') || ' for the month = delivery performance + cancelled' AS control,
    'units' AS currency,
    'account ' || account_id AS item,
    left_amount,
    right_amount
FROM sides
