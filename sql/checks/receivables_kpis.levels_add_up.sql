-- invariant: At every level, what is owed and billed adds up to the same total, and that is the sum of the open
--   items.
-- if it fails: the DSO of a manager is measured over other documents than that of the company; a level lost or
--   doubled some.
-- severity: critical
-- owner: Data engineering
-- keys: level, level_closing_amount, total_closing_amount, item_amount, level_billed_amount, total_billed_amount
WITH levels AS (
    SELECT
        period_month,
        level,
        complete_sum(closing_amount, true) AS level_closing_amount,
        complete_sum(current_amount, true) AS level_current_amount,
        complete_sum(billed_amount, true) AS level_billed_amount
    FROM build.receivables_kpis
    GROUP BY period_month, level
),

totals AS (
    SELECT
        period_month,
        level_closing_amount AS total_closing_amount,
        level_current_amount AS total_current_amount,
        level_billed_amount AS total_billed_amount
    FROM levels
    WHERE level = 'total'
),

items AS (
    SELECT period_month, complete_sum(outstanding_amount, true) AS item_amount
    FROM build.receivables_ageing
    GROUP BY period_month
)

SELECT *
FROM levels
LEFT JOIN totals USING (period_month)
LEFT JOIN items USING (period_month)
WHERE level_closing_amount IS DISTINCT FROM total_closing_amount
   OR level_current_amount IS DISTINCT FROM total_current_amount
   OR level_billed_amount IS DISTINCT FROM total_billed_amount
   OR (items.period_month IS NOT NULL AND total_closing_amount IS DISTINCT FROM item_amount)
