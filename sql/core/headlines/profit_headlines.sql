-- fmt: off
-- grain: month looked back on × account with sales or costs × measure
-- why: what an account earned in each month, beside the gross margin that we aim at with it
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   own_limit     DECIMAL(18,4)
-- fmt: on
select
    profits.looked_month,
    profits.account_id,
    'account_profit.gross_margin_ratio' as measure,
    shown_ratio(ratio(profits.gross_margin_amount, greatest(profits.costed_amount, 0))) as figure,
    accounts.target_margin_ratio as own_limit
from core.account_profit_months as profits
left join core.accounts as accounts on accounts.account_id = profits.account_id
union all by name
select
    looked_month,
    account_id,
    'account_profit.contribution_ratio' as measure,
    shown_ratio(ratio(contribution_amount, greatest(costed_amount, 0))) as figure
from core.account_profit_months
union all by name
select looked_month, account_id, 'account_profit.profit_amount' as measure, profit_amount::decimal(36, 6) as figure
from core.account_profit_months
