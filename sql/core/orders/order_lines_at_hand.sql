-- fmt: off
-- grain: order line that a month built has to look at
-- why: lines that were ordered, due or open in the months built, as known now. All history is read once here, to leave out
--   what was finished before
-- columns:
--   order_id            VARCHAR
--   line_no             INTEGER
--   account_id          VARCHAR
--   product_id          VARCHAR
--   account_manager     VARCHAR
--   currency            VARCHAR
--   order_date          DATE
--   requested_date      DATE
--   promised_date       DATE
--   last_promised_date  DATE
--   due_date            DATE
--   cancelled_date      DATE
--   quantity            DECIMAL(18,4)
--   unit_price          DECIMAL(24,10)
--   is_closed           BOOLEAN
--   has_deliveries      BOOLEAN
--   own_delivered_date  DATE
--   own_quantity        DECIMAL(18,4)
-- fmt: on
with
    bounds as (
        select min(before.as_of_date) as opening_date, max(periods.as_of_date) as last_date
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
    ),

    delivered as (
        select
            order_id,
            order_line_no as line_no,
            sum(quantity) filter (delivered_date <= (select opening_date from bounds)) as quantity_before,
            max(delivered_date) filter (delivered_date <= (select last_date from bounds)) as last_date
        from core.deliveries
        group by order_id, order_line_no
    ),

    lines as (
        select
            orders.order_id,
            orders.line_no,
            orders.account_id,
            orders.product_id,
            orders.account_manager,
            orders.currency,
            orders.order_date,
            orders.requested_date,
            orders.promised_date,
            orders.last_promised_date,
            orders.cancelled_date,
            orders.quantity,
            orders.unit_price,
            coalesce(orders.status = 'closed', false) as is_closed,
            delivered.order_id is not null as has_deliveries,
            case when delivered.order_id is null then orders.delivered_date end as own_delivered_date,
            -- A date without a quantity means the whole line.
            coalesce(orders.delivered_quantity, orders.quantity) as own_quantity,
            case
                when delivered.order_id is not null
                then coalesce(delivered.quantity_before, 0)
                when orders.delivered_date <= (select opening_date from bounds)
                then coalesce(orders.delivered_quantity, orders.quantity)
                else 0
            end as quantity_before,
            case
                when delivered.order_id is not null then delivered.last_date else orders.delivered_date
            end as last_delivered_date
        from core.orders as orders
        left join delivered on delivered.order_id = orders.order_id and delivered.line_no = orders.line_no
        where
            not never_counts(orders.status, orders.cancelled_date)
            and orders.quantity > 0
            and orders.order_date <= (select last_date from bounds)
    )

select
    lines.order_id,
    lines.line_no,
    lines.account_id,
    lines.product_id,
    lines.account_manager,
    lines.currency,
    lines.order_date,
    lines.requested_date,
    lines.promised_date,
    lines.last_promised_date,
    coalesce(lines.last_promised_date, lines.promised_date, lines.requested_date) as due_date,
    lines.cancelled_date,
    lines.quantity,
    lines.unit_price,
    lines.is_closed,
    lines.has_deliveries,
    lines.own_delivered_date,
    lines.own_quantity
from lines
cross join bounds
where
    lines.order_date > bounds.opening_date
    or greatest(lines.requested_date, lines.promised_date, lines.last_promised_date) > bounds.opening_date
    -- Where nobody says what was delivered, nobody knows what is open.
    or (
        (select no_deliveries is null from core.delivery_records)
        and lines.quantity_before < lines.quantity
        and coalesce(lines.cancelled_date > bounds.opening_date, true)
        and not (lines.is_closed and coalesce(lines.last_delivered_date <= bounds.opening_date, false))
    )
