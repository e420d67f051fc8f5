-- fmt: off
-- grain: period_month, case_id
-- why: what a project is worth now, what it has cost and brought so far, and when it has paid for itself. Cases are as known at the
--   close: the feed has no day from which a row holds. business_case_flows has their months
-- method: business-cases-1
-- needs: business_cases
-- lines: build.business_case_flows by period_month, case_id sums net_present_value = present_value, remaining_net_present_value = case
--     when months_ahead > 0 then present_value end, cash_to_date_amount = case when months_ahead <= 0 then cash_flow_amount end,
--     remaining_cash_amount = case when months_ahead > 0 then cash_flow_amount end, total_cash_amount = cash_flow_amount
-- columns:
--   period_month                        DATE
--   case_id                             VARCHAR
--   account_id                          VARCHAR        here: The customer account; NULL where the case names none
--   account_name                        VARCHAR        here: Name of the account; unknown where master data has none, NULL where the case names no account
--   account_manager                     VARCHAR        here: Manager of the account; unknown where master data has none, NULL where the case names no account
--   project_id                          VARCHAR        The project; NULL where the case names none
--   discount_rate                       DECIMAL(18,10) [fraction; none] Interest per year, the first one that the case names
--   first_month                         DATE           First month of its money
--   last_month                          DATE           Last month of its money
--   net_present_value                   DECIMAL(32,2)  [reporting currency; last in time; more is better] What all its money is worth in the month closed := Σ cash flow ÷ (1 + discount_rate) ^ (months ahead ÷ 12), months past being negative source: Brealey, Myers and Allen, net present value
--   net_present_value_reason            VARCHAR
--   remaining_net_present_value         DECIMAL(32,2)  [reporting currency; last in time; more is better] The same of the money of later months
--   remaining_net_present_value_reason  VARCHAR
--   cash_to_date_amount                 DECIMAL(32,2)  [reporting currency; last in time; more is better] Money up to the month closed, not discounted
--   cash_to_date_amount_reason          VARCHAR
--   remaining_cash_amount               DECIMAL(32,2)  [reporting currency; last in time; more is better] Money of later months, not discounted
--   remaining_cash_amount_reason        VARCHAR
--   total_cash_amount                   DECIMAL(32,2)  [reporting currency; last in time; more is better] All its money, not discounted := cash_to_date_amount + remaining_cash_amount
--   total_cash_amount_reason            VARCHAR
--   payback_month                       DATE           First month whose money brings the sum so far from below 0 to 0 or above, not discounted
--   payback_month_reason                VARCHAR
-- fmt: on
with
    steps as (
        select
            *,
            coalesce(
                lag(cumulated_amount) over (partition by period_month, case_id order by flow_month), 0
            ) as cumulated_before
        from core.business_case_flows
    ),

    totals as (
        select
            period_month,
            case_id,
            min(flow_month) as first_month,
            max(flow_month) as last_month,
            money_round(reasoned_sum(present_value, value_reason, true)) as net_present_value,
            min(value_reason) as value_reason,
            money_round(reasoned_sum(present_value, value_reason, months_ahead > 0)) as remaining_net_present_value,
            min(value_reason) filter (months_ahead > 0) as remaining_value_reason,
            reasoned_sum(cash_flow_amount, amount_reason, months_ahead <= 0) as cash_to_date_amount,
            min(amount_reason) filter (months_ahead <= 0) as to_date_reason,
            reasoned_sum(cash_flow_amount, amount_reason, months_ahead > 0) as remaining_cash_amount,
            min(amount_reason) filter (months_ahead > 0) as remaining_reason,
            reasoned_sum(cash_flow_amount, amount_reason, true) as total_cash_amount,
            min(amount_reason) as amount_reason,
            min(flow_month) filter (cumulated_before < 0 and cumulated_amount >= 0) as payback_month,
            coalesce(bool_or(cumulated_amount < 0), false) as is_ever_negative
        from steps
        group by period_month, case_id
    )

select
    totals.period_month,
    totals.case_id,
    heads.account_id,
    case when heads.account_id is not null then known(accounts.account_name) end as account_name,
    case when heads.account_id is not null then known(accounts.account_manager) end as account_manager,
    heads.project_id,
    heads.discount_rate,
    totals.first_month,
    totals.last_month,
    totals.net_present_value,
    totals.value_reason as net_present_value_reason,
    totals.remaining_net_present_value,
    totals.remaining_value_reason as remaining_net_present_value_reason,
    totals.cash_to_date_amount,
    totals.to_date_reason as cash_to_date_amount_reason,
    totals.remaining_cash_amount,
    totals.remaining_reason as remaining_cash_amount_reason,
    totals.total_cash_amount,
    totals.amount_reason as total_cash_amount_reason,
    case when totals.amount_reason is null then totals.payback_month end as payback_month,
    coalesce(
        totals.amount_reason,
        case
            when totals.payback_month is not null
            then null
            when totals.is_ever_negative
            then 'not paid back'
            else 'never negative'
        end
    ) as payback_month_reason
from totals
join core.business_case_heads as heads on heads.case_id = totals.case_id
left join core.accounts as accounts on accounts.account_id = heads.account_id
