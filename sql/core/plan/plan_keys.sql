-- fmt: off
-- grain: plan version × fiscal year × grain column × value
-- why: the accounts, products, product lines, managers and regions that a version has a row for anywhere in the year: what is sold
--   beside them is outside a plan for part of the business
-- columns:
--   plan_version  VARCHAR
--   fiscal_year   INTEGER
--   key_column    VARCHAR
--   key_value     VARCHAR
-- fmt: on
with
    planned as (
        select plan_lines.plan_version, months.fiscal_year, unnest(plan_lines.item)
        from core.plan_lines as plan_lines
        join core.months as months using (period_month)
        semi join build.periods as periods using (fiscal_year)
    )

select distinct plan_version, fiscal_year, key_column, key_value
from planned unpivot (key_value for key_column in (account_id, product_id, product_line, account_manager, region))
