-- fmt: off
-- grain: month looked back on × account with sales or costs
-- why: what an account leaves over its costs, step by step, to the cent. A step with a part that is unknown is unknown, with the
--   reason of that part. Costs that the site does not record count as 0 here
-- columns:
--   looked_month             DATE
--   account_id               VARCHAR
--   net_sales_amount         DECIMAL(38,2)
--   net_sales_reason         VARCHAR
--   uncosted_amount          DECIMAL(38,2)
--   cost_of_goods_amount     DECIMAL(38,2)
--   gross_margin_amount      DECIMAL(38,2)
--   gross_margin_reason      VARCHAR
--   costed_amount            DECIMAL(38,2)
--   freight_amount           DECIMAL(38,2)
--   rebate_amount            DECIMAL(38,2)
--   warranty_amount          DECIMAL(38,2)
--   contribution_amount      DECIMAL(38,2)
--   contribution_reason      VARCHAR
--   service_amount           DECIMAL(38,2)
--   other_amount             DECIMAL(38,2)
--   costs_reason             VARCHAR
--   visit_cost_amount        DECIMAL(38,2)
--   visits_reason            VARCHAR
--   receivables_cost_amount  DECIMAL(38,2)
--   receivables_reason       VARCHAR
--   fixed_cost_amount        DECIMAL(38,2)
--   fixed_cost_reason        VARCHAR
--   profit_amount            DECIMAL(38,2)
--   profit_reason            VARCHAR
-- fmt: on
with
    settings as (
        select
            case
                when not list_contains(declared_feeds, 'standard_costs')
                then undeclared_reason('products', declared_feeds)
            end as no_goods_costs,
            undeclared_reason('account_costs', declared_feeds) as no_account_costs,
            case when receivables_rate is null then '[receivables] enabled is false' end as no_receivables
        from build.settings
    ),

    margins as (
        select
            sales_month as looked_month,
            account_id,
            complete_sum(net_amount, true) as net_sales_amount,
            min(net_reason) as net_sales_reason,
            complete_sum(uncosted_amount, true) as uncosted_amount,
            complete_sum(cost_amount, true) as cost_of_goods_amount,
            min(coalesce(net_reason, cost_reason)) as cost_of_goods_reason
        from core.item_margins
        where
            net_quantity <> 0
            or net_amount <> 0
            or uncosted_amount <> 0
            or cost_amount <> 0
            or net_reason is not null
            or cost_reason is not null
        group by sales_month, account_id
    ),

    parts as (
        select
            looked_month,
            account_id,
            margins.net_sales_reason,
            case when net_sales_reason is null then coalesce(margins.net_sales_amount, 0) end as net_sales_amount,
            coalesce(settings.no_goods_costs, margins.cost_of_goods_reason) as gross_margin_reason,
            case when gross_margin_reason is null then coalesce(margins.uncosted_amount, 0) end as uncosted_amount,
            case
                when gross_margin_reason is null then coalesce(margins.cost_of_goods_amount, 0)
            end as cost_of_goods_amount,
            coalesce(settings.no_account_costs, costs.cost_reason) as costs_reason,
            case when costs_reason is null then coalesce(costs.freight_amount, 0) end as freight_amount,
            case when costs_reason is null then coalesce(costs.rebate_amount, 0) end as rebate_amount,
            case when costs_reason is null then coalesce(costs.warranty_amount, 0) end as warranty_amount,
            case when costs_reason is null then coalesce(costs.service_amount, 0) end as service_amount,
            case when costs_reason is null then coalesce(costs.other_amount, 0) end as other_amount,
            costs.visit_cost_reason as visits_reason,
            case
                when costs.visit_cost_reason is null then coalesce(costs.visit_cost_amount, 0)
            end as visit_cost_amount,
            coalesce(settings.no_receivables, costs.receivables_cost_reason) as receivables_reason,
            case
                when receivables_reason is null then coalesce(costs.receivables_cost_amount, 0)
            end as receivables_cost_amount
        from margins
        full join core.account_cost_months as costs using (looked_month, account_id)
        cross join settings
    ),

    steps as (
        select
            *,
            net_sales_amount - uncosted_amount as costed_amount,
            costed_amount - cost_of_goods_amount as gross_margin_amount,
            gross_margin_amount - freight_amount - rebate_amount - warranty_amount as contribution_amount,
            coalesce(gross_margin_reason, costs_reason) as contribution_reason,
            service_amount + other_amount + visit_cost_amount + receivables_cost_amount as fixed_cost_amount,
            coalesce(costs_reason, visits_reason, receivables_reason) as fixed_cost_reason
        from parts
    )

select
    looked_month,
    account_id,
    net_sales_amount::decimal(38, 2) as net_sales_amount,
    net_sales_reason,
    uncosted_amount::decimal(38, 2) as uncosted_amount,
    cost_of_goods_amount::decimal(38, 2) as cost_of_goods_amount,
    gross_margin_amount::decimal(38, 2) as gross_margin_amount,
    gross_margin_reason,
    costed_amount::decimal(38, 2) as costed_amount,
    freight_amount::decimal(38, 2) as freight_amount,
    rebate_amount::decimal(38, 2) as rebate_amount,
    warranty_amount::decimal(38, 2) as warranty_amount,
    contribution_amount::decimal(38, 2) as contribution_amount,
    contribution_reason,
    service_amount::decimal(38, 2) as service_amount,
    other_amount::decimal(38, 2) as other_amount,
    costs_reason,
    visit_cost_amount::decimal(38, 2) as visit_cost_amount,
    visits_reason,
    receivables_cost_amount::decimal(38, 2) as receivables_cost_amount,
    receivables_reason,
    fixed_cost_amount::decimal(38, 2) as fixed_cost_amount,
    fixed_cost_reason,
    (contribution_amount - fixed_cost_amount)::decimal(38, 2) as profit_amount,
    coalesce(contribution_reason, fixed_cost_reason) as profit_reason
from steps
