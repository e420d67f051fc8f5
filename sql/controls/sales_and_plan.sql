-- fmt: off
-- why: a sale is lost or counted twice between the documents and the plan's grain, and the variance is wrong
-- needs: sales_plan, actual_sales
-- Items that lack a rate have no amount; they are left out on both sides.
-- Only the basis that is compared with plans is read: a constant and a scalar leave out the other before it is valued.
-- fmt: on
with
    sales as (
        from core.sales
        where basis = 'invoiced' and (select actual = 'invoiced' from build.settings)
        union all
        from core.sales
        where basis = 'ordered' and (select actual = 'ordered' from build.settings)
    ),

    sold as (
        select
            period_month,
            account_id,
            product_id,
            product_line,
            account_manager,
            region,
            currency,
            sum(amount_doc) as amount_doc
        from sales
        semi join build.periods as periods using (period_month)
        group by all
    ),

    grains as (
        select distinct plan_grain, by_account_id, by_product_id, by_product_line, by_account_manager, by_region
        from core.plan_versions
    ),

    valued as (
        select
            grains.plan_grain,
            sold.period_month,
            case when by_account_id then account_id end as account_id,
            case when by_product_id then product_id end as product_id,
            case when by_product_line then product_line end as product_line,
            case when by_account_manager then account_manager end as account_manager,
            case when by_region then region end as region,
            -- To the cent at the plan's grain, as the variance shows it.
            round(complete_sum(sold.amount_doc * rates.average_rate, true), 2) as amount
        from sold
        cross join grains
        left join core.month_rates as rates using (period_month, currency)
        group by all
    ),

    sides as (
        select
            valued.period_month,
            months.plan_version,
            account_id,
            product_id,
            product_line,
            account_manager,
            region,
            amount as left_amount,
            0 as right_amount
        from valued
        join core.plan_versions as versions using (plan_grain)
        join
            core.plan_months as months
            on months.plan_version = versions.plan_version
            and months.period_month = valued.period_month
        anti join
            core.plan_outside as outside
            on outside.plan_version = months.plan_version
            and outside.fiscal_year = months.fiscal_year
            and outside.item = struct_pack(
                account_id := valued.account_id,
                product_id := valued.product_id,
                product_line := valued.product_line,
                account_manager := valued.account_manager,
                region := valued.region
            )
        union all
        select
            period_month,
            plan_version,
            account_id,
            product_id,
            product_line,
            document_account_manager,
            region,
            0,
            actual_amount
        from build.sales_plan_variance
    )

select
    sides.period_month,
    'sales = actual of the plan variance, plan ' || sides.plan_version as control,
    '' as currency,
    case
        when versions.by_account_id
        then 'account ' || known(sides.account_id)
        when versions.by_product_id
        then 'part ' || known(sides.product_id)
        when versions.by_product_line
        then 'product line ' || sides.product_line
        when versions.by_account_manager
        then 'manager ' || sides.account_manager
        when versions.by_region
        then 'region ' || sides.region
        else 'all sales'
    end as item,
    sides.left_amount,
    sides.right_amount
from sides
join core.plan_versions as versions using (plan_version)
