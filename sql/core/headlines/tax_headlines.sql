-- fmt: off
-- grain: month looked back on × account × measure, from its first document with a tax form due on
-- why: what tax forms an account owes us, what that may cost, and since when the oldest quarter is over. With nothing outstanding all are 0
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    balances as (
        select
            balances.*,
            outstanding_amount > 0 as is_outstanding,
            case when not is_outstanding then 0 else to_cents(outstanding_amount * rates.rate) end as tax_amount,
            'form_type '
            || balances.form_type
            || ', fiscal_year '
            || fiscal_year
            || ', fiscal_quarter '
            || fiscal_quarter as quarter
        from core.tax_form_balances as balances
        left join build.tax_form_rates as rates on rates.form_type = balances.form_type
    ),

    accounts as (
        select
            looked_month,
            account_id,
            complete_sum(outstanding_amount, true) as outstanding_amount,
            complete_sum(tax_amount, true) as tax_amount,
            -- A quarter of which nobody knows what is outstanding may be the oldest.
            case
                when count(outstanding_amount) = count(*)
                then coalesce(max(days_outstanding) filter (is_outstanding), 0)
            end as days_outstanding,
            arg_max(quarter, (days_outstanding, quarter)) filter (is_outstanding and days_outstanding > 0) as quarter
        from balances
        group by looked_month, account_id
    )

select
    looked_month,
    account_id,
    'tax_forms_outstanding.outstanding_amount' as measure,
    outstanding_amount::decimal(36, 6) as figure,
    null as look_at
from accounts
union all
select looked_month, account_id, 'tax_forms_outstanding.tax_at_risk_amount', tax_amount::decimal(36, 6), null
from accounts
union all
select looked_month, account_id, 'tax_forms_outstanding.days_outstanding', days_outstanding::decimal(36, 6), quarter
from accounts
