-- fmt: off
-- grain: order line × basis, for the lines due in a month of core.rating_months
-- why: what was known at the end of the month a line was due in; the delivery figures only count these rows
-- materialise: view
-- lines: core.orders by order_id, line_no;
--   core.deliveries by order_id, order_line_no = line_no where line.delivered_date <= figure.as_of_date
-- columns:
--   basis               VARCHAR
--   period_month        DATE
--   as_of_date          DATE
--   account_id          VARCHAR
--   order_id            VARCHAR
--   line_no             INTEGER
--   due_date            DATE
--   quantity            DECIMAL(18,4)
--   delivered_quantity  DECIMAL(38,4)
--   on_time_quantity    DECIMAL(38,4)
--   completed_date      DATE
--   is_on_time          BOOLEAN
--   is_in_full          BOOLEAN
--   is_open             BOOLEAN
--   is_late             BOOLEAN
--   days_late           BIGINT
--   unit                VARCHAR
-- fmt: on
with
    due_days as (
        select days.calendar_date, months.period_month, months.as_of_date
        from core.days as days
        join core.rating_months as months using (period_month)
    ),

    bounds as (select min(calendar_date) as first_date, max(calendar_date) as last_date from due_days),

    -- The bounds only save work: what is due is decided by its day.
    order_lines as (
        select
            orders.order_id,
            orders.line_no,
            orders.account_id,
            orders.quantity,
            lower(products.unit) as unit,
            coalesce(orders.status = 'closed', false) as is_closed,
            orders.requested_date,
            orders.promised_date,
            orders.last_promised_date,
            orders.cancelled_date
        from core.orders as orders
        join
            bounds
            on least(orders.requested_date, orders.promised_date, orders.last_promised_date) <= bounds.last_date
            and greatest(orders.requested_date, orders.promised_date, orders.last_promised_date) >= bounds.first_date
        left join core.products as products on products.product_id = orders.product_id
        where not never_counts(orders.status, orders.cancelled_date) and orders.quantity > 0
    ),

    -- A line keeps its deliveries: three times as many rows are then judged without another join. Those of a line
    -- that was
    -- delivered in parts are a list. Most have one, and judging one needs no list, which would take five times as long.
    deliveries_of_lines as materialized(
        select
            order_id,
            line_no,
            count(*) as delivery_count,
            min(delivered_date) as delivered_date,
            sum(quantity) as quantity
        from core.delivery_lines
        semi join order_lines using (order_id, line_no)
        group by order_id, line_no
    ),

    arrivals as (
        select order_id, line_no, delivered_date, quantity::decimal(38, 4) as only_quantity, null as arrivals
        from deliveries_of_lines
        where delivery_count = 1
        union all
        select order_id, line_no, null, null, list({'date':delivered_date, 'quantity':quantity::decimal(34, 4)})
        from core.delivery_lines
        semi join (from deliveries_of_lines where delivery_count > 1) using (order_id, line_no)
        group by order_id, line_no
    ),

    due as (
        select
            lines.basis,
            due_days.period_month,
            due_days.as_of_date,
            lines.account_id,
            lines.order_id,
            lines.line_no,
            lines.due_date,
            lines.due_date - settings.early_days as window_start,
            lines.due_date + settings.late_days as window_end,
            lines.quantity,
            lines.unit,
            lines.is_closed,
            lines.quantity::decimal(28, 4) * (1 - settings.quantity_tolerance_ratio) as least_quantity,
            -- Too much is a fault only where a tolerance is set.
            case
                when settings.quantity_tolerance_ratio > 0
                then lines.quantity::decimal(28, 4) * (1 + settings.quantity_tolerance_ratio)
            end as most_quantity,
            -- Later deliveries are not known yet, whatever the window.
            case when lines.delivered_date <= due_days.as_of_date then lines.delivered_date end as only_date,
            case when lines.delivered_date <= due_days.as_of_date then lines.only_quantity end as only_quantity,
            case
                when lines.arrivals is not null
                then [arrival for arrival in lines.arrivals if arrival.date <= due_days.as_of_date]
            end as arrivals
        from
            (
                from
                    (from order_lines left join arrivals using (order_id, line_no)) unpivot (
                        due_date for basis
                        in (requested_date as requested, promised_date as promised, last_promised_date as last_promised)
                    )
            ) as lines
        join
            due_days
            on due_days.calendar_date = lines.due_date
            and coalesce(lines.cancelled_date > due_days.as_of_date, true)
        cross join build.settings as settings
    ),

    -- Split deliveries count together.
    delivered as (
        select
            *,
            coalesce(
                case
                    when arrivals is null then only_quantity else list_sum([arrival.quantity for arrival in arrivals])
                end,
                0
            ) as delivered_quantity,
            coalesce(
                case
                    when arrivals is not null
                    then
                        list_sum(
                            [
                                arrival.quantity for arrival in arrivals
                                if arrival.date <= window_end and (window_start is null or arrival.date >= window_start)
                            ]
                        )
                    when only_date <= window_end and (window_start is null or only_date >= window_start)
                    then only_quantity
                end,
                0
            ) as window_quantity,
            case
                when arrivals is not null
                then
                    list_min(
                        [
                            arrival.date for arrival in arrivals
                            if list_sum([earlier.quantity for earlier in arrivals if earlier.date <= arrival.date])
                            >= least_quantity
                        ]
                    )
                when only_quantity >= least_quantity
                then only_date
            end as completed_date,
            -- Nothing more comes of a closed line after its last delivery known. Without one it stays open: its
            -- status has
            -- no date.
            case
                when is_closed then coalesce(only_date, list_max([arrival.date for arrival in arrivals]))
            end as closed_date
        from due
    )

select
    basis,
    period_month,
    as_of_date,
    account_id,
    order_id,
    line_no,
    due_date,
    quantity,
    delivered_quantity,
    least(window_quantity, quantity) as on_time_quantity,
    completed_date,
    -- Not the least of both: it would have to round one.
    window_quantity > 0 and (window_quantity >= least_quantity or window_quantity >= delivered_quantity) as is_on_time,
    completed_date is not null and (most_quantity is null or delivered_quantity <= most_quantity) as is_in_full,
    completed_date is null and closed_date is null as is_open,
    coalesce(completed_date, closed_date, as_of_date) > window_end or is_open as is_late,
    coalesce(completed_date, closed_date, as_of_date) - due_date as days_late,
    unit
from delivered
