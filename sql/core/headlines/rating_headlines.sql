-- fmt: off
-- grain: month with a rating × account
-- why: the overall rating of each month: the customer's score, else our own
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   basis         VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
select
    period_month as looked_month,
    account_id,
    'vendor_rating.score' as measure,
    source as basis,
    score::decimal(36, 6) as figure,
    'dimension overall' as look_at
from core.rating_scores
where dimension = 'overall'
qualify row_number() over (partition by period_month, account_id order by source) = 1
