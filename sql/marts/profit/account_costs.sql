-- fmt: off
-- grain: period_month, account_id, cost_type
-- why: the costs of the month that the source names by account, of which account_profit is made
-- method: account-costs-1
-- needs: account_costs
-- lines: core.account_costs by account_id, cost_type, month = period_month sums amount_doc = amount
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_name     VARCHAR
--   account_manager  VARCHAR
--   cost_type        VARCHAR        Kind of cost: freight, rebate, service, warranty, other
--   is_variable      BOOLEAN        Whether the cost grows with the sales: freight, rebate and warranty do
--   amount_doc       DECIMAL(34,4)  [document currency; sum; less is better] Cost in its currency
--   currency         VARCHAR        here: Currency of the cost
--   amount           DECIMAL(32,2)  [reporting currency; sum; less is better] Cost at the closing rate of the month
--   amount_reason    VARCHAR
-- fmt: on
select
    costs.month as period_month,
    costs.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    costs.cost_type,
    costs.cost_type in ('freight', 'rebate', 'warranty') as is_variable,
    costs.amount as amount_doc,
    costs.currency,
    converted(costs.amount, rates.closing_rate) as amount,
    rate_reason(rates.closing_rate, costs.currency) as amount_reason
from core.account_costs as costs
semi join build.periods as periods on periods.period_month = costs.month
left join core.accounts as accounts on accounts.account_id = costs.account_id
left join core.month_rates as rates on rates.period_month = costs.month and rates.currency = costs.currency
