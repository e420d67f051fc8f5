-- grain: plan version
-- why: a plan is compared at its own grain, the columns that are filled anywhere in the version
WITH versions AS (
    SELECT
        plan_version,
        count(account_id) > 0 AS by_account_id,
        count(product_id) > 0 AS by_product_id,
        count(product_line) > 0 AS by_product_line,
        count(account_manager) > 0 AS by_account_manager,
        count(region) > 0 AS by_region,
        coalesce(bool_or(quantity > 0), false) AS has_quantity,
        max(submitted_at) AS submitted_at
    FROM core.sales_plan
    GROUP BY plan_version
)

SELECT
    versions.*,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                CASE WHEN by_account_id THEN 'account_id' END,
                CASE WHEN by_product_id THEN 'product_id' END,
                CASE WHEN by_product_line THEN 'product_line' END,
                CASE WHEN by_account_manager THEN 'account_manager' END,
                CASE WHEN by_region THEN 'region' END
            ),
            ''
        ),
        'total'
    ) AS plan_grain,
    -- The setting mix_group counts only as far as the plan's grain has its columns.
    by_account_id AND list_contains(settings.mix_group, 'account_id') AS mix_by_account_id,
    by_product_line AND list_contains(settings.mix_group, 'product_line') AS mix_by_product_line,
    by_account_manager AND list_contains(settings.mix_group, 'account_manager') AS mix_by_account_manager,
    by_region AND list_contains(settings.mix_group, 'region') AS mix_by_region,
    plan_due.due_date,
    versions.submitted_at::DATE <= plan_due.due_date AS submitted_on_time
FROM versions
CROSS JOIN build.settings AS settings
LEFT JOIN build.plan_due AS plan_due USING (plan_version)
