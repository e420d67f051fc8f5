-- grain: plan grain × business month × item × currency
-- why: actual sales at the grain of the plans, once for all versions of one grain; an item is one key of that grain
WITH wanted_months AS (
    SELECT plan_version, period_month FROM core.plan_months
    UNION
    SELECT plan_version, prior_year_month FROM core.plan_months WHERE is_built
),

wanted AS (
    SELECT DISTINCT
        versions.plan_grain,
        versions.by_account_id,
        versions.by_product_id,
        versions.by_product_line,
        versions.by_account_manager,
        versions.by_region,
        wanted_months.period_month
    FROM wanted_months
    JOIN core.plan_versions AS versions USING (plan_version)
),

lines AS (
    SELECT
        sales.period_month,
        sales.account_id,
        sales.product_id,
        sales.product_line,
        sales.account_manager,
        sales.region,
        sales.currency,
        -- A line of quantity 0 is a rebate or price settlement like one without.
        nullif(sales.quantity, 0) AS quantity,
        sales.amount_doc
    FROM core.sales AS sales
    JOIN build.settings AS settings ON settings.actual = sales.basis
)

SELECT
    wanted.plan_grain,
    lines.period_month,
    struct_pack(
        account_id := CASE WHEN wanted.by_account_id THEN lines.account_id END,
        product_id := CASE WHEN wanted.by_product_id THEN lines.product_id END,
        product_line := CASE WHEN wanted.by_product_line THEN lines.product_line END,
        account_manager := CASE WHEN wanted.by_account_manager THEN lines.account_manager END,
        region := CASE WHEN wanted.by_region THEN lines.region END
    ) AS item,
    lines.currency,
    sum(lines.quantity) AS quantity,
    coalesce(sum(lines.amount_doc) FILTER (WHERE lines.quantity IS NOT NULL), 0) AS quantity_amount_doc,
    coalesce(sum(lines.amount_doc) FILTER (WHERE lines.quantity IS NULL), 0) AS other_amount_doc
FROM lines
JOIN wanted ON wanted.period_month = lines.period_month
GROUP BY ALL
