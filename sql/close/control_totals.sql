-- fmt: off
-- grain: period_month × control × currency      from: sides, a SELECT of the two sides of a control, item by item
-- why: two figures tie when each of their items does; first_untied is the item that differs most
-- fmt: on
with
    sides as ({{ sides }}),

    items as (
        select
            period_month,
            control,
            currency,
            item,
            coalesce(sum(left_amount), 0)::decimal(38, 4) as left_amount,
            coalesce(sum(right_amount), 0)::decimal(38, 4) as right_amount
        from sides
        group by period_month, control, currency, item
    )

select
    period_month,
    control,
    currency,
    sum(left_amount) as left_amount,
    sum(right_amount) as right_amount,
    count(*) filter (left_amount <> right_amount) as untied_count,
    arg_min(
        struct_pack(item := item, left_amount := left_amount, right_amount := right_amount),
        (- abs(left_amount - right_amount), item)
    ) filter (left_amount <> right_amount) as first_untied
from items
group by period_month, control, currency
