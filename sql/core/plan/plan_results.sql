-- grain: plan version × month built × item with a figure then, in the fiscal year to date or in the month a year before
-- why: month and fiscal year to date side by side, the latter as the sum of the months' rounded rows. An item stays
--   listed to the end of the fiscal year, so that year-to-date totals are complete in a month without plan and sales
WITH contributions AS (
    SELECT
        items.* EXCLUDE (period_month),
        built.period_month,
        built.prior_year_month,
        built.period_month = items.period_month AS is_current
    FROM core.plan_items AS items
    JOIN core.plan_months AS months USING (plan_version, period_month)
    JOIN core.plan_months AS built
        ON built.plan_version = months.plan_version
        AND built.fiscal_year = months.fiscal_year
        AND built.month_index >= months.month_index
        AND built.is_built
    -- What was sold only a year before says something about that one month.
    WHERE items.has_plan_line OR items.has_sales OR built.period_month = items.period_month
),

results AS (
    SELECT
        plan_version,
        period_month,
        item,
        prior_year_month,

        coalesce(bool_or(has_plan) FILTER (WHERE is_current), false) AS has_plan,
        coalesce(bool_or(has_sales) FILTER (WHERE is_current), false) AS has_sales,
        coalesce(bool_or(has_sold_quantity) FILTER (WHERE is_current), false) AS has_sold_quantity,
        min(bridge_reason) FILTER (WHERE is_current) AS bridge_reason,
        CASE WHEN bool_or(is_current) THEN sum(plan_quantity) FILTER (WHERE is_current) ELSE 0 END AS plan_quantity,
        complete_sum(plan_amount, is_current) AS plan_amount,
        CASE WHEN bool_or(is_current) THEN sum(actual_quantity) FILTER (WHERE is_current) ELSE 0 END AS actual_quantity,
        complete_sum(actual_amount, is_current) AS actual_amount,
        complete_sum(volume_effect, is_current) AS volume_effect,
        complete_sum(mix_effect, is_current) AS mix_effect,
        complete_sum(price_effect, is_current) AS price_effect,
        complete_sum(fx_effect, is_current) AS fx_effect,
        complete_sum(new_effect, is_current) AS new_effect,
        complete_sum(lost_effect, is_current) AS lost_effect,
        complete_sum(adjustment_effect, is_current) AS adjustment_effect,

        bool_or(has_plan) AS ytd_has_plan,
        bool_or(has_sales) AS ytd_has_sales,
        bool_or(has_sold_quantity) AS ytd_has_sold_quantity,
        -- In alphabetical order a missing rate comes before a missing quantity.
        min(bridge_reason) AS ytd_bridge_reason,
        sum(plan_quantity) AS ytd_plan_quantity,
        complete_sum(plan_amount, true) AS ytd_plan_amount,
        sum(actual_quantity) AS ytd_actual_quantity,
        complete_sum(actual_amount, true) AS ytd_actual_amount,
        complete_sum(volume_effect, true) AS ytd_volume_effect,
        complete_sum(mix_effect, true) AS ytd_mix_effect,
        complete_sum(price_effect, true) AS ytd_price_effect,
        complete_sum(fx_effect, true) AS ytd_fx_effect,
        complete_sum(new_effect, true) AS ytd_new_effect,
        complete_sum(lost_effect, true) AS ytd_lost_effect,
        complete_sum(adjustment_effect, true) AS ytd_adjustment_effect,

        complete_sum(prior_year_amount, is_current) AS prior_year_amount,
        min(prior_year_rate_reason) FILTER (WHERE is_current) AS prior_year_rate_reason
    FROM contributions
    GROUP BY plan_version, period_month, item, prior_year_month
),

sales_history AS (
    SELECT min(sales.period_month) AS first_month
    FROM core.sales AS sales
    JOIN build.settings AS settings ON settings.actual = sales.basis
)

SELECT
    results.* EXCLUDE (item, prior_year_month, prior_year_amount, prior_year_rate_reason)
    REPLACE (
        CASE WHEN versions.has_quantity THEN results.plan_quantity END AS plan_quantity,
        CASE WHEN versions.has_quantity THEN results.ytd_plan_quantity END AS ytd_plan_quantity
    ),
    results.item.account_id,
    results.item.product_id,
    -- What the plan's grain leaves out but implies, for readers and for the levels of the summary.
    CASE
        WHEN versions.by_product_line THEN results.item.product_line
        WHEN versions.by_product_id THEN coalesce(products.product_line, 'unknown')
    END AS product_line,
    CASE
        WHEN versions.by_account_manager THEN results.item.account_manager
        WHEN versions.by_account_id THEN coalesce(accounts.account_manager, 'unknown')
    END AS account_manager,
    CASE
        WHEN versions.by_region THEN results.item.region
        WHEN versions.by_account_id THEN coalesce(accounts.region, 'unknown')
    END AS region,
    CASE
        WHEN sales_history.first_month <= results.prior_year_month THEN results.prior_year_amount
    END AS prior_year_amount,
    CASE
        WHEN sales_history.first_month <= results.prior_year_month THEN results.prior_year_rate_reason
        ELSE 'no sales on record by then'
    END AS prior_year_reason
FROM results
CROSS JOIN sales_history
JOIN core.plan_versions AS versions USING (plan_version)
LEFT JOIN core.accounts AS accounts ON accounts.account_id = results.item.account_id
LEFT JOIN core.products AS products ON products.product_id = results.item.product_id
