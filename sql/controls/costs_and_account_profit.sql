-- fmt: off
-- why: a cost is missing from the profit of an account, counts twice, or counts for another account
-- needs: invoices
-- Accounts of which a cost is undefined are left out on both sides.
-- fmt: on
with
    sides as (
        select
            period_month,
            'cost of goods, profit by product line = by account' as control,
            account_id,
            cost_of_goods_amount as left_amount,
            0 as right_amount,
            gross_margin_amount_reason as reason
        from build.product_line_profit
        union all
        select
            period_month,
            'cost of goods, profit by product line = by account',
            account_id,
            0,
            cost_of_goods_amount,
            gross_margin_amount_reason
        from build.account_profit
        union all
        select period_month, 'costs of accounts, one by one = profit by account', account_id, amount, 0, amount_reason
        from build.account_costs
        union all
        select
            period_month,
            'costs of accounts, one by one = profit by account',
            account_id,
            0,
            freight_amount + rebate_amount + warranty_amount + service_amount + other_amount,
            account_costs_reason
        from build.account_profit
    ),

    undefined as (select distinct period_month, control, account_id from sides where reason is not null)

select
    sides.period_month,
    sides.control,
    '' as currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join undefined using (period_month, control, account_id)
