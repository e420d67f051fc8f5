-- fmt: off
-- invariant: Each plan version is compared with all that was sold in the month, unless its scope is its keys.
-- finding: {n} plan (version is|versions are) not compared with all that was sold in the month
-- if it fails: a sale is lost or counted twice between the documents and the plan's grain, and the variance is wrong;
--   the model's join of sales to the plan is at fault.
-- severity: critical
-- owner: Data engineering
-- keys: plan_version, compared_quantity, sold_quantity
-- fmt: on
with
    compared as (
        select period_month, plan_version, coalesce(sum(actual_quantity), 0) as compared_quantity
        from build.sales_plan_variance
        -- What lies outside a plan for part of the business is a matter of the control of sales and plan.
        where scope = 'all'
        group by period_month, plan_version
        -- Quantities of different units are not shown; the control of sales and plan compares the amounts.
        having count(quantity_reason) = 0
    ),

    sold as (
        select sales.period_month, coalesce(sum(sales.quantity), 0) as sold_quantity
        from core.actual_sales as sales
        semi join build.periods as periods on periods.period_month = sales.period_month
        group by sales.period_month
    )

select
    compared.period_month,
    compared.plan_version,
    compared.compared_quantity,
    coalesce(sold.sold_quantity, 0) as sold_quantity
from compared
left join sold using (period_month)
where compared.compared_quantity <> coalesce(sold.sold_quantity, 0)
