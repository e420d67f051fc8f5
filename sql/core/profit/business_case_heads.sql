-- fmt: off
-- grain: business case
-- why: what all months of a case have in common, as its first month that names it has it
-- columns:
--   case_id        VARCHAR
--   account_id     VARCHAR
--   project_id     VARCHAR
--   discount_rate  DECIMAL(18,10)
-- fmt: on
select
    case_id,
    arg_min(account_id, month) as account_id,
    arg_min(project_id, month) as project_id,
    arg_min(discount_rate, month)::decimal(18, 10) as discount_rate
from core.business_cases
group by case_id
