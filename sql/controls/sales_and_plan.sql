-- why: a sale is lost or counted twice between the documents and the plan's grain, and the variance is wrong
-- needs: sales_plan, actual_sales
-- Items that lack a rate have no amount; they are left out on both sides.
-- Only the basis that is compared with plans is read: a constant and a scalar leave out the other before it is valued.
WITH sales AS (
    FROM core.sales WHERE basis = 'invoiced' AND (SELECT actual = 'invoiced' FROM build.settings)
    UNION ALL
    FROM core.sales WHERE basis = 'ordered' AND (SELECT actual = 'ordered' FROM build.settings)
),

sold AS (
    SELECT period_month, account_id, product_id, product_line, account_manager, region, currency, sum(amount_doc) AS amount_doc
    FROM sales
    SEMI JOIN build.periods AS periods USING (period_month)
    GROUP BY ALL
),

grains AS (
    SELECT DISTINCT plan_grain, by_account_id, by_product_id, by_product_line, by_account_manager, by_region
    FROM core.plan_versions
),

valued AS (
    SELECT
        grains.plan_grain,
        sold.period_month,
        CASE WHEN by_account_id THEN account_id END AS account_id,
        CASE WHEN by_product_id THEN product_id END AS product_id,
        CASE WHEN by_product_line THEN product_line END AS product_line,
        CASE WHEN by_account_manager THEN account_manager END AS account_manager,
        CASE WHEN by_region THEN region END AS region,
        -- To the cent at the plan's grain, as the variance shows it.
        round(complete_sum(sold.amount_doc * rates.average_rate, true), 2) AS amount
    FROM sold
    CROSS JOIN grains
    LEFT JOIN core.month_rates AS rates USING (period_month, currency)
    GROUP BY ALL
),

sides AS (
    SELECT
        valued.period_month, months.plan_version, account_id, product_id, product_line, account_manager, region,
        amount AS left_amount,
        0 AS right_amount
    FROM valued
    JOIN core.plan_versions AS versions USING (plan_grain)
    JOIN core.plan_months AS months
        ON months.plan_version = versions.plan_version AND months.period_month = valued.period_month
    UNION ALL
    SELECT
        period_month, plan_version, account_id, product_id, product_line, account_manager, region,
        0,
        actual_amount
    FROM build.sales_plan_variance
)

SELECT
    sides.period_month,
    'sales = actual of the plan variance, plan ' || sides.plan_version AS control,
    '' AS currency,
    CASE
        WHEN versions.by_account_id THEN 'account ' || coalesce(sides.account_id, 'unknown')
        WHEN versions.by_product_id THEN 'part ' || coalesce(sides.product_id, 'unknown')
        WHEN versions.by_product_line THEN 'product line ' || sides.product_line
        WHEN versions.by_account_manager THEN 'manager ' || sides.account_manager
        WHEN versions.by_region THEN 'region ' || sides.region
        ELSE 'all sales'
    END AS item,
    sides.left_amount,
    sides.right_amount
FROM sides
JOIN core.plan_versions AS versions USING (plan_version)
