-- fmt: off
-- grain: period_month, case_id, flow_month
-- why: the money of each business case, month by month, and what it is worth now. business_cases adds it up. Cases are as known at
--   the close: the feed has no day from which a row holds
-- method: business-cases-1
-- needs: business_cases
-- lines: core.business_cases by case_id, month = flow_month sums cash_flow_doc = cash_flow;
--   for cumulated_amount: core.business_cases by case_id where line.month <= figure.flow_month
-- columns:
--   period_month             DATE
--   case_id                  VARCHAR
--   flow_month               DATE           The month of the money
--   account_id               VARCHAR        here: The customer account; NULL where the case names none
--   account_name             VARCHAR        here: Name of the account; unknown where master data has none, NULL where the case names no account
--   account_manager          VARCHAR        here: Manager of the account; unknown where master data has none, NULL where the case names no account
--   months_ahead             INTEGER        [months; none] Months from the month closed to that of the money; negative = past
--   cash_flow_doc            DECIMAL(34,4)  [document currency; last in time; more is better] Money that comes in; negative for what is paid
--   currency                 VARCHAR        here: Currency of the money
--   cash_flow_amount         DECIMAL(32,2)  [reporting currency; last in time; more is better] The same in the reporting currency: that of months that are over at the rate of their end, that of later months at the latest rate known
--   cash_flow_amount_reason  VARCHAR
--   cumulated_amount         DECIMAL(32,2)  [reporting currency; none] Money of the case up to the month of the money
--   cumulated_amount_reason  VARCHAR
--   discount_rate            DECIMAL(18,10) [fraction; none] Interest per year of the case
--   present_value            DECIMAL(36,6)  [reporting currency; last in time; more is better] What it is worth in the month closed := cash_flow_amount ÷ (1 + discount_rate) ^ (months_ahead ÷ 12)
--   present_value_reason     VARCHAR
-- fmt: on
select
    flows.period_month,
    flows.case_id,
    flows.flow_month,
    cases.account_id,
    case when cases.account_id is not null then known(accounts.account_name) end as account_name,
    case when cases.account_id is not null then known(accounts.account_manager) end as account_manager,
    flows.months_ahead,
    flows.cash_flow_doc,
    flows.currency,
    flows.cash_flow_amount,
    flows.amount_reason as cash_flow_amount_reason,
    flows.cumulated_amount,
    case
        when flows.cumulated_amount is null then coalesce(flows.amount_reason, 'money before has no rate')
    end as cumulated_amount_reason,
    flows.discount_rate,
    flows.present_value,
    flows.value_reason as present_value_reason
from core.business_case_flows as flows
join core.business_case_heads as cases on cases.case_id = flows.case_id
left join core.accounts as accounts on accounts.account_id = cases.account_id
