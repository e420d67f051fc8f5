-- fmt: off
-- grain: month built × account with business cases
-- why: what the business cases of an account are still worth; the feed does not say what was known of them in earlier months
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   seen          VARCHAR
-- fmt: on
select
    period_month as looked_month,
    account_id,
    'business_cases.remaining_net_present_value' as measure,
    complete_sum(remaining_net_present_value, true)::decimal(36, 6) as figure,
    'at the close' as seen
from build.business_cases
where account_id is not null
group by period_month, account_id
