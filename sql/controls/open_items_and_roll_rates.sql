-- fmt: off
-- why: what was open a month ago went nowhere, or to two places
-- needs: receivables
-- Accounts of which an amount has no rate are left out on both sides.
-- fmt: on
with
    sides as (
        select
            periods.period_month,
            items.account_id,
            converted(items.outstanding_amount_doc, rates.closing_rate) as left_amount,
            0 as right_amount
        from core.receivable_periods as periods
        join core.receivable_open_items as items on items.snapshot_no = periods.opening_no
        left join
            core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = items.currency
        where items.item_type = 'invoice'
        union all
        select period_month, account_id, 0, amount
        from build.receivables_roll_rates
    ),

    undefined as (from build.receivables_roll_rates where amount_reason is not null)

select
    sides.period_month,
    'invoices open a month ago = roll rates' as control,
    '' as currency,
    'account ' || sides.account_id as item,
    sides.left_amount,
    sides.right_amount
from sides
anti join undefined on undefined.period_month = sides.period_month and undefined.account_id = sides.account_id
