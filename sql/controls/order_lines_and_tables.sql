-- fmt: off
-- why: an order line is missing from the list of lines, or is judged otherwise there than in the figures
-- needs: orders
-- Without deliveries nobody knows what is open or on time; there is nothing to compare then.
-- fmt: on
with
    due as (
        select
            lines.period_month,
            lines.account_id,
            lines.basis,
            case
                lines.basis
                when 'requested'
                then lines.requested_is_otif
                when 'promised'
                then lines.promised_is_otif
                else lines.last_promised_is_otif
            end as is_otif,
            lines.due_day
        from
            (
                from
                    (
                        select
                            period_month,
                            account_id,
                            cancelled_date,
                            requested_date,
                            promised_date,
                            last_promised_date,
                            requested_is_otif,
                            promised_is_otif,
                            last_promised_is_otif
                        from build.order_lines
                    ) unpivot (
                        due_day for basis
                        in (requested_date as requested, promised_date as promised, last_promised_date as last_promised)
                    )
            ) as lines
        join core.days as days on days.calendar_date = lines.due_day and days.period_month = lines.period_month
        where lines.cancelled_date is null
    ),

    sides as (
        select
            period_month,
            'open order lines = order book, closing quantity' as control,
            account_id,
            open_quantity as left_amount,
            0 as right_amount
        from build.order_lines
        union all
        select period_month, 'open order lines = order book, closing quantity', account_id, 0, closing_quantity
        from build.order_book
        union all
        select period_month, 'order lines on time in full, ' || basis || ' = delivery performance', account_id, 1, 0
        from due
        where is_otif
        union all
        select
            period_month,
            'order lines on time in full, ' || basis || ' = delivery performance',
            account_id,
            0,
            otif_count
        from build.delivery_performance
    )

select period_month, control, 'units' as currency, 'account ' || account_id as item, left_amount, right_amount
from sides
where (select no_deliveries is null from core.delivery_records)
