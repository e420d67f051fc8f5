-- fmt: off
-- grain: plan version of scope 'planned keys' × fiscal year × item sold, in the year or the one before, that it does not plan
-- why: sales outside a plan for part of the business are no surplus over that plan. A sale is inside when the version plans each of its
--   keys; one that a sale leaves empty, such as the product of a rebate, does not decide, but a sale needs one planned key
-- columns:
--   plan_version  VARCHAR
--   fiscal_year   INTEGER
--   item          STRUCT(account_id VARCHAR, product_id VARCHAR, product_line VARCHAR, account_manager VARCHAR, region VARCHAR)
-- fmt: on
with
    sold as (
        select distinct versions.plan_version, months.fiscal_year, sales.item
        from core.plan_sales as sales
        join core.plan_versions as versions using (plan_grain)
        join
            core.plan_months as months
            on months.plan_version = versions.plan_version
            and sales.period_month in (months.period_month, months.prior_year_month)
        -- A plan in total plans everything.
        where versions.scope = 'planned keys' and versions.plan_grain <> 'total'
    ),

    sold_keys as (
        from
            (select plan_version, fiscal_year, item, unnest(item) from sold) unpivot include nulls(
                key_value for key_column in (account_id, product_id, product_line, account_manager, region)
            )
    )

select sold_keys.plan_version, sold_keys.fiscal_year, sold_keys.item
from sold_keys
left join core.plan_keys as planned using (plan_version, fiscal_year, key_column, key_value)
group by sold_keys.plan_version, sold_keys.fiscal_year, sold_keys.item
having
    count(planned.key_value) = 0
    or count(*) filter (where planned.key_value is null and sold_keys.key_value <> known(null)) > 0
