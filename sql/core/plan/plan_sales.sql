-- fmt: off
-- grain: plan grain × business month × item × currency
-- why: actual sales at the grain of the plans, once for all versions of one grain; an item is one key of that grain
-- columns:
--   plan_grain           VARCHAR
--   period_month         DATE
--   item                 STRUCT(account_id VARCHAR, product_id VARCHAR, product_line VARCHAR, account_manager VARCHAR, region VARCHAR)
--   currency             VARCHAR
--   quantity             DECIMAL(38,4)
--   quantity_amount_doc  DECIMAL(38,4)
--   other_amount_doc     DECIMAL(38,4)
--   least_unit           VARCHAR
--   greatest_unit        VARCHAR
-- fmt: on
with
    wanted_months as (
        select plan_version, period_month
        from core.plan_months
        union
        select plan_version, prior_year_month
        from core.plan_months
        where is_built
    ),

    wanted as (
        select distinct
            versions.plan_grain,
            versions.by_account_id,
            versions.by_product_id,
            versions.by_product_line,
            versions.by_account_manager,
            versions.by_region,
            wanted_months.period_month
        from wanted_months
        join core.plan_versions as versions using (plan_version)
    ),

    lines as (
        select
            sales.period_month,
            sales.account_id,
            sales.product_id,
            sales.product_line,
            sales.account_manager,
            sales.region,
            sales.currency,
            -- A line of quantity 0 is a rebate or price settlement like one without.
            nullif(sales.quantity, 0) as quantity,
            sales.amount_doc,
            case when sales.quantity <> 0 then sales.unit end as unit
        from core.actual_sales as sales
    )

select
    wanted.plan_grain,
    lines.period_month,
    struct_pack(
        account_id := case when wanted.by_account_id then lines.account_id end,
        product_id := case when wanted.by_product_id then lines.product_id end,
        product_line := case when wanted.by_product_line then lines.product_line end,
        account_manager := case when wanted.by_account_manager then lines.account_manager end,
        region := case when wanted.by_region then lines.region end
    ) as item,
    lines.currency,
    sum(lines.quantity) as quantity,
    coalesce(sum(lines.amount_doc) filter (where lines.quantity is not null), 0) as quantity_amount_doc,
    coalesce(sum(lines.amount_doc) filter (where lines.quantity is null), 0) as other_amount_doc,
    min(lines.unit) as least_unit,
    max(lines.unit) as greatest_unit
from lines
join wanted on wanted.period_month = lines.period_month
group by all
