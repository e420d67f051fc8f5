-- fmt: off
-- grain: month built × order line due in it that was not on time in full, on the basis of the account's rules
-- why: the lines that delivery_performance counts as failed, one by one
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   order_id      VARCHAR
--   line_no       INTEGER
--   product_id    VARCHAR
--   quantity      DECIMAL(18,4)
--   due_date      DATE
-- fmt: on
with
    due as (
        select
            lines.period_month,
            lines.account_id,
            lines.order_id,
            lines.line_no,
            lines.product_id,
            lines.quantity,
            case
                rules.delivery_basis
                when 'requested'
                then lines.requested_date
                when 'promised'
                then lines.promised_date
                else lines.last_promised_date
            end as due_date,
            case
                rules.delivery_basis
                when 'requested'
                then lines.requested_is_on_time
                when 'promised'
                then lines.promised_is_on_time
                else lines.last_promised_is_on_time
            end
            and lines.is_in_full as is_otif
        from core.order_line_months as lines
        join
            core.rating_rules as rules
            on rules.period_month = lines.period_month
            and rules.account_id = lines.account_id
        where lines.is_due
        union all
        select period_month, account_id, order_id, line_no, product_id, quantity, due_date, is_otif
        from core.rating_lines_dated_later
    )

select due.period_month, due.account_id, due.order_id, due.line_no, due.product_id, due.quantity, due.due_date
from due
join core.days as days on days.calendar_date = due.due_date and days.period_month = due.period_month
where not due.is_otif
