-- fmt: off
-- why: prices are those of other sales than the table of sales has
-- needs: invoices
-- Accounts of which a sale has no rate are left out on both sides.
-- fmt: on
with
    sides as (
        select
            period_month,
            account_id,
            net_amount - adjustment_amount as left_amount,
            0 as right_amount,
            net_amount_reason as reason
        from build.sales
        union all
        select period_month, account_id, 0, priced_amount, priced_amount_reason
        from build.price_trend
        where plan_version = 'prior month'
    ),

    undefined as (from sides where reason is not null)

select
    sides.period_month,
    'sales of the month with a quantity = price trend' as control,
    '' as currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join undefined on undefined.period_month = sides.period_month and undefined.account_id = sides.account_id
