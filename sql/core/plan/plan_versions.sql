-- fmt: off
-- grain: plan version
-- why: a plan is compared at its own grain, the columns that are filled anywhere in the version
-- columns:
--   plan_version            VARCHAR
--   by_account_id           BOOLEAN
--   by_product_id           BOOLEAN
--   by_product_line         BOOLEAN
--   by_account_manager      BOOLEAN
--   by_region               BOOLEAN
--   has_quantity            BOOLEAN
--   submitted_at            TIMESTAMP
--   plan_grain              VARCHAR
--   mix_by_account_id       BOOLEAN
--   mix_by_product_line     BOOLEAN
--   mix_by_account_manager  BOOLEAN
--   mix_by_region           BOOLEAN
--   due_date                DATE
--   submitted_on_time       BOOLEAN
--   scope                   VARCHAR
-- fmt: on
with
    versions as (
        select
            plan_version,
            count(account_id) > 0 as by_account_id,
            count(product_id) > 0 as by_product_id,
            count(product_line) > 0 as by_product_line,
            count(account_manager) > 0 as by_account_manager,
            count(region) > 0 as by_region,
            coalesce(bool_or(quantity > 0), false) as has_quantity,
            max(submitted_at) as submitted_at
        from core.sales_plan
        group by plan_version
    )

select
    versions.plan_version,
    versions.by_account_id,
    versions.by_product_id,
    versions.by_product_line,
    versions.by_account_manager,
    versions.by_region,
    versions.has_quantity,
    versions.submitted_at,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                case when by_account_id then 'account_id' end,
                case when by_product_id then 'product_id' end,
                case when by_product_line then 'product_line' end,
                case when by_account_manager then 'account_manager' end,
                case when by_region then 'region' end
            ),
            ''
        ),
        'total'
    ) as plan_grain,
    -- The setting mix_group counts only as far as the plan's grain has its columns.
    by_account_id and list_contains(settings.mix_group, 'account_id') as mix_by_account_id,
    by_product_line and list_contains(settings.mix_group, 'product_line') as mix_by_product_line,
    by_account_manager and list_contains(settings.mix_group, 'account_manager') as mix_by_account_manager,
    by_region and list_contains(settings.mix_group, 'region') as mix_by_region,
    plan_due.due_date,
    versions.submitted_at::date <= plan_due.due_date as submitted_on_time,
    coalesce(plan_scopes.scope, settings.plan_scope, 'all') as scope
from versions
cross join build.settings as settings
left join build.plan_due as plan_due using (plan_version)
left join build.plan_scopes as plan_scopes using (plan_version)
