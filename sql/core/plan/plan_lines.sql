-- fmt: off
-- grain: row of the plan
-- why: each row at the grain of its version: an item is one key of that grain
-- materialise: view
-- lines: core.sales_plan by plan_version where line.account_id is not distinct from figure.item.account_id and line.product_id is not
--     distinct from figure.item.product_id and date_trunc('month', coalesce(line.month, line.week)) = figure.period_month
-- columns:
--   plan_version  VARCHAR
--   period_month  DATE
--   item          STRUCT(account_id VARCHAR, product_id VARCHAR, product_line VARCHAR, account_manager VARCHAR, region VARCHAR)
--   currency      VARCHAR
--   quantity      DECIMAL(18,4)
--   amount_doc    DECIMAL(28,8)
--   fx_rate       DECIMAL(18,10)
-- fmt: on
select
    plan.plan_version,
    plan.month as period_month,
    struct_pack(
        account_id := plan.account_id,
        product_id := plan.product_id,
        product_line
        := case when versions.by_product_line then known(coalesce(plan.product_line, products.product_line)) end,
        account_manager := case
            when versions.by_account_manager then known(coalesce(plan.account_manager, accounts.account_manager))
        end,
        region := case when versions.by_region then known(coalesce(plan.region, accounts.region)) end
    ) as item,
    plan.currency,
    plan.quantity,
    coalesce(plan.amount::decimal(28, 8), exact_product(plan.quantity, plan.unit_price)::decimal(28, 8)) as amount_doc,
    case when plan.currency <> settings.reporting_currency then plan.fx_rate end as fx_rate
from core.plan_rows as plan
cross join build.settings as settings
join core.plan_versions as versions using (plan_version)
left join core.accounts as accounts on accounts.account_id = plan.account_id
left join core.products as products on products.product_id = plan.product_id
