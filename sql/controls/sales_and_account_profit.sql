-- fmt: off
-- why: the profit of an account is made of other sales than the table of sales has
-- needs: invoices
-- Accounts of which a sale has no rate are left out on both sides.
-- fmt: on
with
    sides as (
        select
            sales_month as period_month, account_id, net_amount as left_amount, 0 as right_amount, net_reason as reason
        from core.item_sales_amounts
        semi join build.periods as periods on periods.period_month = sales_month
        union all
        select period_month, account_id, 0, net_sales_amount, net_sales_amount_reason
        from build.account_profit
    ),

    undefined as (from sides where reason is not null)

select
    sides.period_month,
    'sales of the month, net amount = profit by account' as control,
    '' as currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join undefined on undefined.period_month = sides.period_month and undefined.account_id = sides.account_id
