-- fmt: off
-- grain: month built × business case × month of money
-- why: the money of a case in the reporting currency and what it is worth in the month built: at the first discount rate of the
--   case, later money less, earlier money more. Money of a month that is over was exchanged at its end, what is to come at the
--   latest rate known. The table business_cases and its list add up these rows
-- columns:
--   period_month       DATE
--   case_id            VARCHAR
--   flow_month         DATE
--   months_ahead       INTEGER
--   cash_flow_doc      DECIMAL(18,4)
--   currency           VARCHAR
--   cash_flow_amount   DECIMAL(38,2)
--   cumulated_amount   DECIMAL(38,2)
--   amount_reason      VARCHAR
--   discount_rate      DECIMAL(18,10)
--   present_value      DECIMAL(36,6)
--   value_reason       VARCHAR
-- fmt: on
with
    flows as (
        select
            periods.period_month,
            cases.case_id,
            cases.month as flow_month,
            (datediff('month', periods.period_month, cases.month))::integer as months_ahead,
            cases.cash_flow as cash_flow_doc,
            cases.currency,
            heads.discount_rate,
            exchange.closing_rate
        from core.business_cases as cases
        cross join build.periods as periods
        join core.business_case_heads as heads on heads.case_id = cases.case_id
        left join
            core.month_rates as exchange
            on exchange.period_month = least(cases.month, periods.period_month)
            and exchange.currency = cases.currency
    ),

    settings as (select reporting_currency from build.settings),

    valued as (
        select
            flows.*,
            -- Months long before the data have no rates; money in the reporting currency needs none.
            converted(
                flows.cash_flow_doc,
                case when flows.currency = settings.reporting_currency then 1 else flows.closing_rate end
            ) as cash_flow_amount,
            rate_reason(cash_flow_amount, flows.currency) as amount_reason,
            cash_flow_amount::double
            / pow(1 + flows.discount_rate::double, flows.months_ahead::double / 12) as exact_value
        from flows
        cross join settings
    )

select
    period_month,
    case_id,
    flow_month,
    months_ahead,
    cash_flow_doc,
    currency,
    cash_flow_amount::decimal(38, 2) as cash_flow_amount,
    case when count(amount_reason) over until_then = 0 then sum(cash_flow_amount) over until_then end::decimal(
        38, 2
    ) as cumulated_amount,
    amount_reason,
    discount_rate,
    case when abs(exact_value) < 1e27 then shown_ratio(exact_value) end::decimal(36, 6) as present_value,
    coalesce(
        amount_reason,
        case when discount_rate is null then 'the case has no discount rate' end,
        case when abs(exact_value) >= 1e27 then 'a present value is 10²⁷ or more' end
    ) as value_reason
from valued
window until_then as (partition by period_month, case_id order by flow_month)
