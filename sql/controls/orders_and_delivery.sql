-- fmt: off
-- why: order lines due in the month are not judged, or judged twice, and on time in full is wrong
-- needs: orders
-- Lines of different units have no total; they are left out on both sides.
-- fmt: on
with
    due as (
        select
            days.period_month,
            lines.basis,
            lines.account_id,
            lines.quantity,
            never_counts(lines.status, lines.cancelled_date)
            or coalesce(lines.cancelled_date <= periods.as_of_date, false) as is_cancelled
        from
            (
                from
                    (
                        select
                            account_id,
                            quantity,
                            status,
                            cancelled_date,
                            requested_date,
                            promised_date,
                            last_promised_date
                        from core.orders
                    ) unpivot (
                        due_date for basis
                        in (requested_date as requested, promised_date as promised, last_promised_date as last_promised)
                    )
            ) as lines
        join core.days as days on days.calendar_date = lines.due_date
        join build.periods as periods on periods.period_month = days.period_month
    ),

    sides as (
        select
            period_month,
            basis,
            account_id,
            sum(quantity) as left_amount,
            coalesce(sum(quantity) filter (where is_cancelled), 0) as right_amount
        from due
        anti join
            (from build.delivery_performance where quantity_reason is not null) using (period_month, basis, account_id)
        group by all
        union all
        select period_month, basis, account_id, 0, quantity_due
        from build.delivery_performance
        where quantity_reason is null
    )

select
    period_month,
    'order lines ' || replace(basis, '_', ' ') || ' for the month = delivery performance + cancelled' as control,
    'units' as currency,
    'account ' || account_id as item,
    left_amount,
    right_amount
from sides
