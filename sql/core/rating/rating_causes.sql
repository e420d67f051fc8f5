-- fmt: off
-- grain: month built × account × dimension × document that costs points of the own score
-- why: order lines that were not on time in full, deliveries with rejects, issues that were not closed in time. `weight`
--   says how much of the missing points a document takes
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   dimension     VARCHAR
--   cause         VARCHAR
--   document_id   VARCHAR
--   line_no       INTEGER
--   event_date    DATE
--   product_id    VARCHAR
--   quantity      DECIMAL(18,4)
--   weight        DECIMAL(18,4)
-- fmt: on
with
    bases as (
        select accounts.account_id, rules.delivery_basis
        from (select distinct account_id from core.delivery_month_totals) as accounts
        left join build.rating_rules as own on own.account_id = accounts.account_id
        join build.rating_rules as rules on rules.account_id is not distinct from own.account_id
    ),

    due as (
        select
            lines.period_month,
            lines.account_id,
            lines.order_id,
            lines.line_no,
            lines.product_id,
            lines.quantity,
            case
                bases.delivery_basis
                when 'requested'
                then lines.requested_date
                when 'promised'
                then lines.promised_date
                else lines.last_promised_date
            end as due_date,
            case
                bases.delivery_basis
                when 'requested'
                then lines.requested_is_on_time
                when 'promised'
                then lines.promised_is_on_time
                else lines.last_promised_is_on_time
            end
            and lines.is_in_full as is_otif
        from core.order_line_months as lines
        join bases on bases.account_id = lines.account_id
        where lines.is_due
    ),

    -- Lines that their source dates after the month in which they were due are due as well, and in no list of the
    -- month.
    dated_later as (
        select
            periods.period_month,
            periods.as_of_date,
            orders.*,
            case
                bases.delivery_basis
                when 'requested'
                then orders.requested_date
                when 'promised'
                then orders.promised_date
                else orders.last_promised_date
            end as due_date
        from core.orders as orders
        join bases on bases.account_id = orders.account_id
        join
            build.periods as periods
            on orders.order_date > periods.as_of_date
            and coalesce(orders.cancelled_date > periods.as_of_date, true)
        where
            not never_counts(orders.status, orders.cancelled_date)
            and orders.quantity > 0
            and due_date <= periods.as_of_date
    ),

    arrivals as (
        select deliveries.order_id, deliveries.order_line_no as line_no, deliveries.delivered_date, deliveries.quantity
        from core.deliveries as deliveries
        semi join
            dated_later on dated_later.order_id = deliveries.order_id and dated_later.line_no = deliveries.order_line_no
    ),

    arrived as (
        select order_id, line_no, delivered_date, quantity
        from arrivals
        union all
        select distinct order_id, line_no, delivered_date, coalesce(delivered_quantity, quantity)
        from dated_later
        anti join arrivals using (order_id, line_no)
        where delivered_date is not null
    ),

    judged_later as (
        select
            lines.period_month,
            lines.account_id,
            lines.order_id,
            lines.line_no,
            lines.product_id,
            lines.quantity,
            lines.due_date,
            coalesce(
                sum(arrived.quantity) filter (
                    arrived.delivered_date <= lines.due_date + settings.late_days
                    and coalesce(arrived.delivered_date >= lines.due_date - settings.early_days, true)
                )
                >= any_value(lines.quantity::decimal(28, 4) * (1 - settings.quantity_tolerance_ratio))
                and (
                    any_value(settings.quantity_tolerance_ratio) = 0
                    or sum(arrived.quantity)
                    <= any_value(lines.quantity::decimal(28, 4) * (1 + settings.quantity_tolerance_ratio))
                ),
                false
            ) as is_otif
        from dated_later as lines
        cross join build.settings as settings
        left join
            arrived
            on arrived.order_id = lines.order_id
            and arrived.line_no = lines.line_no
            and arrived.delivered_date <= lines.as_of_date
        group by all
    )

select
    due.period_month,
    due.account_id,
    'delivery' as dimension,
    'late_line' as cause,
    due.order_id as document_id,
    due.line_no,
    due.due_date as event_date,
    due.product_id,
    due.quantity,
    1::decimal(18, 4) as weight
from
    (
        from due
        union all
        from judged_later
    ) as due
join core.days as days on days.calendar_date = due.due_date and days.period_month = due.period_month
where not due.is_otif
union all
select
    days.period_month,
    lines.account_id,
    'quality',
    'rejected_lot',
    lines.document_id,
    lines.document_line_no,
    lines.delivered_date,
    lines.product_id,
    lines.rejected_quantity,
    lines.rejected_quantity
from core.delivery_lines as lines
join core.days as days on days.calendar_date = lines.delivered_date
join build.periods as periods on periods.period_month = days.period_month
where lines.rejected_quantity > 0
union all
select
    issues.period_month,
    issues.account_id,
    case when issues.dimension in ('cost', 'development') then issues.dimension else 'management' end,
    'overdue_issue',
    issues.issue_id,
    null,
    issues.target_close_date,
    issues.product_id,
    issues.affected_quantity,
    1
from core.issue_months as issues
join build.periods as periods on periods.period_month = issues.period_month
where issues.is_due and issues.dimension not in ('quality', 'delivery') and not issues.is_closed_in_time
