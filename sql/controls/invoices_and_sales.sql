-- fmt: off
-- why: an invoice line is missing from the table of sales, or is in it twice
-- needs: invoices
-- Rows that lack a rate have no amount; they are left out on both sides.
-- fmt: on
with
    sides as (
        select
            days.period_month,
            invoices.account_id,
            -- To the cent at the grain of the table.
            round(
                complete_sum(
                    case when document_type = 'credit_note' then - net_amount else net_amount end::decimal(38, 4)
                    * rates.average_rate,
                    true
                ),
                2
            ) as left_amount,
            0 as right_amount
        from core.invoices as invoices
        join core.days as days on days.calendar_date = invoices.invoice_date
        semi join build.periods as periods on periods.period_month = days.period_month
        left join core.accounts as accounts on accounts.account_id = invoices.account_id
        left join
            core.month_rates as rates on rates.period_month = days.period_month and rates.currency = invoices.currency
        group by
            days.period_month,
            invoices.account_id,
            invoices.product_id,
            coalesce(invoices.account_manager, accounts.account_manager)
        union all
        select period_month, account_id, 0, net_amount
        from build.sales
    )

select
    period_month,
    'invoices of the month = sales, net amount' as control,
    '' as currency,
    'account ' || account_id as item,
    left_amount,
    right_amount
from sides
