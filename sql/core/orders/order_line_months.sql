-- fmt: off
-- grain: month built × order line at hand that is ordered, due or open in it
-- why: what is known of a line at the month's end, from its dates: how much arrived, was cancelled and stays open. The
--   order book adds up the quantities, order_lines shows them line by line
-- lines: core.orders by order_id, line_no;
--   core.deliveries by order_id, order_line_no = line_no where line.delivered_date <= figure.as_of_date
-- columns:
--   period_month            DATE
--   as_of_date              DATE
--   order_id                VARCHAR
--   line_no                 INTEGER
--   account_id              VARCHAR
--   product_id              VARCHAR
--   account_manager         VARCHAR
--   currency                VARCHAR
--   order_date              DATE
--   requested_date          DATE
--   promised_date           DATE
--   last_promised_date      DATE
--   due_date                DATE
--   cancelled_date          DATE
--   quantity                DECIMAL(18,4)
--   unit_price              DECIMAL(24,10)
--   is_ordered              BOOLEAN
--   is_due                  BOOLEAN
--   completed_date          DATE
--   finished_date           DATE
--   is_in_full              BOOLEAN
--   requested_is_on_time    BOOLEAN
--   promised_is_on_time     BOOLEAN
--   last_promised_is_on_time  BOOLEAN
--   arrived_quantity        DECIMAL(38,4)
--   opening_quantity        DECIMAL(18,4)
--   ordered_quantity        DECIMAL(18,4)
--   delivered_quantity      DECIMAL(18,4)
--   closing_quantity        DECIMAL(18,4)
-- fmt: on
with
    periods as (
        select periods.period_month, periods.as_of_date, before.as_of_date as opening_date
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
    ),

    finished as (
        select
            arrivals.order_id,
            arrivals.line_no,
            min(arrivals.delivered_date) filter (arrivals.total_quantity >= lines.quantity) as delivered_date
        from core.order_line_arrivals as arrivals
        join
            core.order_lines_at_hand as lines on lines.order_id = arrivals.order_id and lines.line_no = arrivals.line_no
        group by arrivals.order_id, arrivals.line_no
    ),

    -- The bounds only save work: what a month looks at is decided below.
    line_months as (
        select
            periods.*,
            lines.* exclude (has_deliveries, own_delivered_date, own_quantity),
            lines.order_date > periods.opening_date as is_ordered,
            coalesce(lines.requested_date > periods.opening_date and lines.requested_date <= periods.as_of_date, false)
            or coalesce(lines.promised_date > periods.opening_date and lines.promised_date <= periods.as_of_date, false)
            or coalesce(
                lines.last_promised_date > periods.opening_date and lines.last_promised_date <= periods.as_of_date,
                false
            ) as is_dated
        from core.order_lines_at_hand as lines
        join periods on lines.order_date <= periods.as_of_date
        left join finished on finished.order_id = lines.order_id and finished.line_no = lines.line_no
        where
            is_ordered
            or is_dated
            or (
                coalesce(least(finished.delivered_date, lines.cancelled_date) > periods.opening_date, true)
                and (select no_deliveries is null from core.delivery_records)
            )
    ),

    known as (
        select
            lines.period_month,
            lines.order_id,
            lines.line_no,
            sum(arrivals.quantity) as arrived_quantity,
            max(arrivals.delivered_date) as last_delivered_date,
            sum(arrivals.quantity) filter (
                coalesce(arrivals.delivered_date <= lines.cancelled_date, true)
            ) as counted_quantity,
            sum(arrivals.quantity) filter (
                arrivals.delivered_date <= least(lines.opening_date, lines.cancelled_date)
            ) as counted_before,
            min(arrivals.delivered_date) filter (
                arrivals.total_quantity >= lines.quantity::decimal(28, 4) * (1 - settings.quantity_tolerance_ratio)
            ) as completed_date,
            sum(arrivals.quantity) filter (
                arrivals.delivered_date <= lines.requested_date + settings.late_days
                and coalesce(arrivals.delivered_date >= lines.requested_date - settings.early_days, true)
            ) as requested_window,
            sum(arrivals.quantity) filter (
                arrivals.delivered_date <= lines.promised_date + settings.late_days
                and coalesce(arrivals.delivered_date >= lines.promised_date - settings.early_days, true)
            ) as promised_window,
            sum(arrivals.quantity) filter (
                arrivals.delivered_date <= lines.last_promised_date + settings.late_days
                and coalesce(arrivals.delivered_date >= lines.last_promised_date - settings.early_days, true)
            ) as last_promised_window
        from line_months as lines
        cross join build.settings as settings
        join
            core.order_line_arrivals as arrivals
            on arrivals.order_id = lines.order_id
            and arrivals.line_no = lines.line_no
            and arrivals.delivered_date <= lines.as_of_date
        group by lines.period_month, lines.order_id, lines.line_no
    ),

    states as (
        select
            lines.*,
            coalesce(known.arrived_quantity, 0) as arrived_quantity,
            known.completed_date,
            known.last_delivered_date,
            coalesce(lines.cancelled_date <= lines.as_of_date, false) as is_cancelled,
            -- A line closed short loses the rest with its last delivery. Without one it stays open: its status has no
            -- date.
            lines.is_closed and lines.cancelled_date is null and known.last_delivered_date is not null as is_cut_short,
            least(lines.quantity, coalesce(known.counted_quantity, 0))::decimal(18, 4) as taken_quantity,
            case
                when not lines.is_ordered then least(lines.quantity, coalesce(known.counted_before, 0)) else 0
            end::decimal(18, 4) as taken_before,
            coalesce(known.requested_window, 0) as requested_window,
            coalesce(known.promised_window, 0) as promised_window,
            coalesce(known.last_promised_window, 0) as last_promised_window,
            least(
                lines.quantity::decimal(28, 4) * (1 - settings.quantity_tolerance_ratio),
                coalesce(arrived_quantity, 0)::decimal(28, 4)
            ) as on_time_from,
            -- Too much is a fault only where a tolerance is set.
            case
                when settings.quantity_tolerance_ratio > 0
                then lines.quantity::decimal(28, 4) * (1 + settings.quantity_tolerance_ratio)
            end as most_quantity
        from line_months as lines
        cross join build.settings as settings
        left join
            known
            on known.period_month = lines.period_month
            and known.order_id = lines.order_id
            and known.line_no = lines.line_no
    ),

    opened as (
        select
            states.*,
            case
                when is_ordered
                then 0
                when cancelled_date <= opening_date
                then 0
                when is_cut_short and last_delivered_date <= opening_date
                then 0
                else quantity - taken_before
            end as opening_quantity,
            case when is_cancelled or is_cut_short then 0 else quantity - taken_quantity end as closing_quantity
        from states
    )

select
    period_month,
    as_of_date,
    order_id,
    line_no,
    account_id,
    product_id,
    account_manager,
    currency,
    order_date,
    requested_date,
    promised_date,
    last_promised_date,
    due_date,
    case when is_cancelled then cancelled_date end as cancelled_date,
    quantity,
    unit_price,
    is_ordered,
    is_dated and not is_cancelled as is_due,
    completed_date,
    coalesce(completed_date, case when is_cut_short then last_delivered_date end) as finished_date,
    completed_date is not null and (most_quantity is null or arrived_quantity <= most_quantity) as is_in_full,
    case
        when requested_date <= as_of_date and not is_cancelled
        then requested_window > 0 and requested_window >= on_time_from
    end as requested_is_on_time,
    case
        when promised_date <= as_of_date and not is_cancelled
        then promised_window > 0 and promised_window >= on_time_from
    end as promised_is_on_time,
    case
        when last_promised_date <= as_of_date and not is_cancelled
        then last_promised_window > 0 and last_promised_window >= on_time_from
    end as last_promised_is_on_time,
    arrived_quantity::decimal(38, 4) as arrived_quantity,
    opening_quantity::decimal(18, 4) as opening_quantity,
    case when is_ordered then quantity else 0 end::decimal(18, 4) as ordered_quantity,
    case when opening_quantity = 0 and not is_ordered then 0 else taken_quantity - taken_before end::decimal(
        18, 4
    ) as delivered_quantity,
    closing_quantity::decimal(18, 4) as closing_quantity
from opened
