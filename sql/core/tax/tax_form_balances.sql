-- fmt: off
-- grain: month looked back on × account × form type × fiscal quarter up to it
-- why: what forms are due for, what came and what is outstanding at each month's end. All of it at the rate of that day: then a
--   quarter that is covered in its currency has nothing outstanding
-- columns:
--   looked_month        DATE
--   account_id          VARCHAR
--   form_type           VARCHAR
--   fiscal_year         INTEGER
--   fiscal_quarter      INTEGER
--   invoiced_amount     DECIMAL(38,2)
--   received_amount     DECIMAL(38,2)
--   outstanding_amount  DECIMAL(38,2)
--   amount_reason       VARCHAR
--   days_outstanding    BIGINT
--   days_reason         VARCHAR
-- fmt: on
with
    quarter_ends as (
        select fiscal_year, fiscal_quarter, max(as_of_date) as end_date
        from core.months
        group by fiscal_year, fiscal_quarter
    ),

    added as (
        select
            looked_month,
            account_id,
            form_type,
            fiscal_year,
            fiscal_quarter,
            currency,
            sum(invoiced_amount) as invoiced_amount,
            sum(received_amount) as received_amount
        from core.tax_form_months
        group by looked_month, account_id, form_type, fiscal_year, fiscal_quarter, currency
    ),

    valued as (
        select
            added.* exclude (invoiced_amount, received_amount),
            converted(added.invoiced_amount, rates.closing_rate) as invoiced,
            converted(added.received_amount, rates.closing_rate) as received,
            rate_reason(rates.closing_rate, added.currency) as reason
        from added
        left join
            core.month_rates as rates on rates.period_month = added.looked_month and rates.currency = added.currency
    ),

    summed as (
        select
            looked_month,
            account_id,
            form_type,
            fiscal_year,
            fiscal_quarter,
            reasoned_sum(invoiced, reason, true) as invoiced_amount,
            reasoned_sum(received, reason, true) as received_amount,
            min(reason) as amount_reason
        from valued
        group by looked_month, account_id, form_type, fiscal_year, fiscal_quarter
    )

select
    summed.looked_month,
    summed.account_id,
    summed.form_type,
    summed.fiscal_year,
    summed.fiscal_quarter,
    summed.invoiced_amount,
    summed.received_amount,
    summed.invoiced_amount - summed.received_amount as outstanding_amount,
    summed.amount_reason,
    case
        when summed.fiscal_year * 4 + summed.fiscal_quarter >= months.fiscal_year * 4 + months.fiscal_quarter
        then 0
        else months.as_of_date - ends.end_date
    end as days_outstanding,
    case
        when summed.fiscal_year is null
        then 'the form names no quarter, and its invoice is not known'
        when days_outstanding is null
        then 'the calendar does not go back so far'
    end as days_reason
from summed
join core.months as months on months.period_month = summed.looked_month
left join quarter_ends as ends on ends.fiscal_year = summed.fiscal_year and ends.fiscal_quarter = summed.fiscal_quarter
