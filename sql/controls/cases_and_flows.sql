-- fmt: off
-- why: money of a business case is missing from its total, or counts twice
-- needs: business_cases
-- Money without a rate is left out on both sides.
-- fmt: on
with
    sides as (
        select
            periods.period_month,
            cases.case_id,
            converted(
                cases.cash_flow,
                case when cases.currency = settings.reporting_currency then 1 else rates.closing_rate end
            ) as left_amount,
            0 as right_amount,
            left_amount is null as is_undefined
        from core.business_cases as cases
        cross join build.periods as periods
        cross join build.settings as settings
        left join
            core.month_rates as rates
            on rates.period_month = least(cases.month, periods.period_month)
            and rates.currency = cases.currency
        union all
        select period_month, case_id, 0, total_cash_amount, total_cash_amount is null
        from build.business_cases
    ),

    undefined as (select distinct period_month, case_id from sides where is_undefined)

select
    sides.period_month,
    'money of business cases, month by month = in total' as control,
    '' as currency,
    'case ' || sides.case_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join undefined using (period_month, case_id)
