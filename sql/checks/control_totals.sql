-- invariant: figures that are reached by two ways agree to the cent
-- if it breaks: a table lost or doubled rows, and nothing of the month may be published
-- grain: period_month × control × currency
WITH items AS (
    SELECT period_month, currency, sum(outstanding_amount_doc) AS amount FROM build.receivables_ageing GROUP BY ALL
),

roll_forward AS (
    SELECT period_month, currency, sum(closing_amount_doc) AS amount FROM build.receivables_rollforward GROUP BY ALL
),

buckets AS (
    SELECT period_month, sum(outstanding_amount) AS amount FROM build.receivables_summary GROUP BY ALL
),

valued_items AS (
    SELECT period_month, sum(outstanding_amount) AS amount FROM build.receivables_ageing GROUP BY ALL
),

plan_rows AS (
    SELECT
        period_month,
        plan_version,
        sum(variance_amount) AS variance_amount,
        sum(variance_amount) FILTER (volume_effect IS NOT NULL) AS bridged_amount,
        sum(volume_effect + mix_effect + price_effect + fx_effect + new_effect + lost_effect + adjustment_effect) AS lanes_amount
    FROM build.sales_plan_variance
    GROUP BY ALL
),

plan_total AS (
    SELECT period_month, plan_version, variance_amount FROM build.sales_plan_summary WHERE level = 'total'
),

controls AS (
    SELECT
        period_month,
        'open items = ledger roll-forward' AS control,
        currency,
        items.amount AS left_amount,
        roll_forward.amount AS right_amount
    FROM items
    FULL JOIN roll_forward USING (period_month, currency)
    UNION ALL
    SELECT period_month, 'ageing buckets = open items', '', buckets.amount, valued_items.amount
    FROM buckets
    FULL JOIN valued_items USING (period_month)
    UNION ALL
    SELECT period_month, 'bridge lanes = variance, plan ' || plan_version, '', lanes_amount, bridged_amount FROM plan_rows
    UNION ALL
    SELECT period_month, 'plan summary = plan rows, plan ' || plan_version, '', plan_total.variance_amount, plan_rows.variance_amount
    FROM plan_total
    FULL JOIN plan_rows USING (period_month, plan_version)
)

SELECT
    period_month,
    control,
    currency,
    coalesce(left_amount, 0)::DECIMAL(38, 4) AS left_amount,
    coalesce(right_amount, 0)::DECIMAL(38, 4) AS right_amount
FROM controls
ORDER BY period_month, control, currency
