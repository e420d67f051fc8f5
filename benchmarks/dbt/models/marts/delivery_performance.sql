-- Account × basis: whether the lines due in the month came on time and in full, as known at its end. A line is on time when what
-- came by its date is above zero and reaches the lesser of what was ordered and what came by the month's end.
with
    due as (
        unpivot (
            select order_id, line_no, account_id, quantity, status = 'closed' as is_closed, requested_date, promised_date, last_promised_date
            from {{ ref('stg_orders') }}
            where
                (status <> 'cancelled' or cancelled_date > {{ month_end() }})
                and requested_date <= {{ month_end() }}
                and last_promised_date >= {{ month() }}
        )
        on requested_date as requested, promised_date as promised, last_promised_date as last_promised
        into name basis value due_date
    ),

    lines as (
        select * from due where due_date between {{ month() }} and {{ month_end() }}
    ),

    arrivals as (
        select
            lines.*, deliveries.delivered_date, deliveries.quantity as arrived,
            sum(deliveries.quantity) over (
                partition by lines.basis, lines.order_id, lines.line_no
                order by deliveries.delivered_date
                range unbounded preceding
            ) as arrived_so_far
        from lines
        left join {{ ref('stg_deliveries') }} as deliveries
            on deliveries.order_id = lines.order_id
            and deliveries.order_line_no = lines.line_no
            and deliveries.delivered_date <= {{ month_end() }}
    ),

    judged as (
        select
            account_id, basis, due_date, quantity,
            coalesce(sum(arrived), 0) as delivered,
            coalesce(sum(arrived) filter (delivered_date <= due_date), 0) as in_window,
            min(delivered_date) filter (arrived_so_far >= quantity) as completed_date,
            case when is_closed then max(delivered_date) end as closed_date,
            in_window > 0 and in_window >= least(quantity, delivered) as is_on_time,
            completed_date is not null as is_in_full,
            completed_date is null and closed_date is null as is_open,
            coalesce(completed_date, closed_date, {{ month_end() }}) - due_date as days_late,
            days_late > 0 or is_open as is_late
        from arrivals
        group by order_id, line_no, account_id, basis, due_date, quantity, is_closed
    )

select
    account_id,
    basis,
    count(*) as line_count,
    count_if(is_on_time) as on_time_count,
    count_if(is_in_full) as in_full_count,
    count_if(is_on_time and is_in_full) as otif_count,
    count_if(is_late) as late_count,
    count_if(is_open) as open_late_count,
    otif_count / line_count as otif_ratio,
    sum(quantity) as quantity_due,
    sum(least(in_window, quantity)) as quantity_on_time,
    coalesce(sum(days_late) filter (is_late), 0) as days_late
from judged
group by account_id, basis
