-- fmt: off
-- grain: period_month, plan_version
-- why: the plan versions that sales are compared with, and the built-in ones of the sales bridge
-- method: plan-versions-1
-- lines: core.sales_plan by plan_version
-- columns:
--   period_month       DATE
--   plan_version       VARCHAR
--   is_built_in        BOOLEAN    Whether it is no plan of the site, but the prior year or the prior month
--   plan_grain         VARCHAR
--   scope              VARCHAR
--   submitted_at       TIMESTAMP  When it was last submitted
--   due_date           DATE       When it was due
--   submitted_on_time  BOOLEAN
-- fmt: on
with
    versions as (
        select plan_version, false as is_built_in, plan_grain, scope, submitted_at, due_date, submitted_on_time
        from core.plan_versions
        union all by name
        select plan_version, true as is_built_in, 'account_id, product_id' as plan_grain, 'all' as scope
        from (select unnest(['prior year', 'prior month']) as plan_version)
        where plan_version not in (select plan_version from core.plan_versions)
    )

select periods.period_month, versions.*
from versions
cross join build.periods as periods
