-- fmt: off
-- invariant: All rows of a plan version fill the same grain columns.
-- finding: {n} plan (version fills|versions fill) different columns in different rows
-- if it fails: sales would be compared with the plan of an account and of its products at once, and count twice;
--   split the plan into one version for each grain and close again.
-- severity: critical
-- owner: Sales controlling
-- keys: plan_version, grains
-- fmt: on
with
    grains as (
        select
            plan_version,
            month,
            concat_ws(
                ' × ',
                case when account_id is not null then 'account_id' end,
                case when product_id is not null then 'product_id' end,
                case when product_line is not null then 'product_line' end,
                case when account_manager is not null then 'account_manager' end,
                case when region is not null then 'region' end
            ) as grain
        from core.plan_rows
    ),

    mixed as (
        select plan_version, string_agg(distinct grain, ' and ' order by grain) as grains
        from grains
        group by plan_version
        having count(distinct grain) > 1
    )

select distinct grains.month as period_month, mixed.plan_version, mixed.grains
from mixed
join grains on grains.plan_version = mixed.plan_version
semi join build.periods as periods on periods.period_month = grains.month
