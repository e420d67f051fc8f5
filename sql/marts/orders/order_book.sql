-- fmt: off
-- grain: period_month, account_id, product_id
-- why: what is ordered and not delivered, how it changed in the month, and when it is due. Amounts are at the price of the
--   order line and the rate of the order date
-- method: order-book-1
-- needs: orders
-- lines: core.order_line_months by period_month, account_id, product_id sums ordered_quantity, delivered_quantity, closing_quantity,
--     cancelled_quantity = opening_quantity + ordered_quantity - delivered_quantity - closing_quantity, overdue_quantity = case when
--     due_date < as_of_date then closing_quantity end, undated_quantity = case when due_date is null then closing_quantity end,
--     due_quantity = case when due_date >= as_of_date then closing_quantity end, ordered_amount =
--     converted(line_amount(ordered_quantity, coalesce(unit_price, 0)), (select rate from core.daily_rates as rates
--     where rates.currency = line.currency and rates.rate_date = line.order_date)), closing_amount =
--     converted(line_amount(closing_quantity, coalesce(unit_price, 0)), (select rate from core.daily_rates as rates
--     where rates.currency = line.currency and rates.rate_date = line.order_date))
-- columns:
--   period_month           DATE
--   account_id             VARCHAR
--   account_name           VARCHAR
--   account_manager        VARCHAR
--   product_id             VARCHAR        here: The part; NULL for lines that name none
--   product_name           VARCHAR        here: Name of the part; unknown where master data has none, NULL for lines that name none
--   product_line           VARCHAR
--   unit                   VARCHAR
--   opening_quantity       DECIMAL(34,4)  [units of the item; first in time] Closing of the month before as it was published; as known now where that month was never closed
--   ordered_quantity       DECIMAL(34,4)  [units of the item; sum] Ordered in the month
--   cancelled_quantity     DECIMAL(34,4)  [units of the item; sum; less is better] What was still open of a line when it was cancelled in the month, or when the last delivery of a line closed short came
--   delivered_quantity     DECIMAL(34,4)  [units of the item; sum] Delivered in the month, at most what was ordered
--   change_quantity        DECIMAL(34,4)  [units of the item; sum] Lines of closed months that were corrected or dropped since := opening as known now − opening_quantity
--   closing_quantity       DECIMAL(34,4)  [units of the item; last in time] Open at the month end := opening_quantity + ordered_quantity − cancelled_quantity − delivered_quantity + change_quantity
--   closing_quantity_reason VARCHAR       Why all quantities except ordered_quantity are undefined
--   overdue_quantity       DECIMAL(34,4)  [units of the item; last in time; less is better] Of the closing, due before the month end
--   due_quantity           DECIMAL(34,4)  [units of the item; last in time] Of the closing, due at the month end or later
--   undated_quantity       DECIMAL(34,4)  [units of the item; last in time] Of the closing, without a date
--   opening_amount         DECIMAL(32,2)  [reporting currency; first in time] The opening at order prices
--   ordered_amount         DECIMAL(32,2)  [reporting currency; sum] Ordered in the month, at order prices
--   cancelled_amount       DECIMAL(32,2)  [reporting currency; sum; less is better] Cancelled in the month, at order prices
--   delivered_amount       DECIMAL(32,2)  [reporting currency; sum] Delivered in the month, at order prices; takes the cents left by rounding
--   change_amount          DECIMAL(32,2)  [reporting currency; sum] Opening as known now less opening_amount
--   closing_amount         DECIMAL(32,2)  [reporting currency; last in time] here: Open at the month end, at order prices := opening_amount + ordered_amount − cancelled_amount − delivered_amount + change_amount
--   amount_reason          VARCHAR        Why an amount is undefined: no rate for the currency of an order on its date, or what closing_quantity_reason says
--   overdue_amount         DECIMAL(32,2)  [reporting currency; last in time; less is better] Of the closing, due before the month end
--   due_month_1_amount     DECIMAL(32,2)  [reporting currency; last in time] Of the closing, due on the last day of this month or in the next month
--   due_month_2_amount     DECIMAL(32,2)  [reporting currency; last in time] Of the closing, due in the second month after this one
--   due_month_3_amount     DECIMAL(32,2)  [reporting currency; last in time] Of the closing, due in the third month after this one
--   due_later_amount       DECIMAL(32,2)  [reporting currency; last in time] Of the closing, due later
--   undated_amount         DECIMAL(32,2)  [reporting currency; last in time] Of the closing, without a date
-- fmt: on
with
    lines as (
        select
            lines.*,
            lines.opening_quantity
            + lines.ordered_quantity
            - lines.delivered_quantity
            - lines.closing_quantity as cancelled_quantity,
            coalesce(lines.unit_price, 0) as price,
            rates.rate,
            rate_reason(rates.rate, lines.currency) as amount_reason,
            months.month_index,
            due_months.month_index as due_index
        from core.order_line_months as lines
        join core.months as months on months.period_month = lines.period_month
        left join core.daily_rates as rates on rates.currency = lines.currency and rates.rate_date = lines.order_date
        left join core.days as due_days on due_days.calendar_date = lines.due_date
        left join core.months as due_months on due_months.period_month = due_days.period_month
    ),

    valued as (
        select
            *,
            -- Wide arithmetic is slow, and most of these are 0.
            case
                when opening_quantity <> 0 then converted(line_amount(opening_quantity, price), rate) else 0
            end as opening_amount,
            case
                when ordered_quantity <> 0 then converted(line_amount(ordered_quantity, price), rate) else 0
            end as ordered_amount,
            case
                when cancelled_quantity <> 0 then converted(line_amount(cancelled_quantity, price), rate) else 0
            end as cancelled_amount,
            case
                when closing_quantity <> 0 then converted(line_amount(closing_quantity, price), rate) else 0
            end as closing_amount,
            case
                when closing_quantity = 0
                then 'nothing'
                when due_date is null
                then 'undated'
                when due_date < as_of_date
                then 'overdue'
                when due_index <= month_index + 1
                then 'month 1'
                when due_index = month_index + 2
                then 'month 2'
                when due_index = month_index + 3
                then 'month 3'
                else 'later'
            end as due
        from lines
    ),

    items as (
        select
            period_month,
            account_id,
            product_id,
            sum(opening_quantity) as known_opening_quantity,
            sum(ordered_quantity) as ordered_quantity,
            sum(cancelled_quantity) as cancelled_quantity,
            sum(delivered_quantity) as delivered_quantity,
            sum(closing_quantity) as closing_quantity,
            coalesce(sum(closing_quantity) filter (due = 'overdue'), 0) as overdue_quantity,
            coalesce(sum(closing_quantity) filter (due = 'undated'), 0) as undated_quantity,
            complete_sum(opening_amount, opening_quantity > 0) as known_opening_amount,
            complete_sum(ordered_amount, ordered_quantity > 0) as ordered_amount,
            complete_sum(cancelled_amount, cancelled_quantity <> 0) as cancelled_amount,
            complete_sum(closing_amount, closing_quantity > 0) as closing_amount,
            complete_sum(closing_amount, due = 'overdue') as overdue_amount,
            complete_sum(closing_amount, due = 'month 1') as due_month_1_amount,
            complete_sum(closing_amount, due = 'month 2') as due_month_2_amount,
            complete_sum(closing_amount, due = 'month 3') as due_month_3_amount,
            complete_sum(closing_amount, due = 'later') as due_later_amount,
            complete_sum(closing_amount, due = 'undated') as undated_amount,
            min(amount_reason) as amount_reason
        from valued
        where opening_quantity > 0 or ordered_quantity > 0
        group by period_month, account_id, product_id
    ),

    -- What the month before closed with: as published, else as it is built here. A version of an earlier release has no
    -- order book to open from.
    boundaries as (
        select
            periods.period_month,
            before.period_month as last_month,
            case
                when
                    exists (
                        select 1
                        from marts.order_book as book
                        where book.period_month = before.period_month and book.close_version = periods.previous_version
                    )
                then periods.previous_version
            end as last_version,
            periods.previous_version is null
            and before.period_month in (select period_month from build.periods) as opens_from_build
        from build.periods as periods
        join core.months as before on before.month_index = periods.month_index - 1
    ),

    parts as (
        select *, true as is_known
        from items
        union all by name
        select
            boundaries.period_month,
            book.account_id,
            book.product_id,
            book.closing_quantity as last_quantity,
            book.closing_amount as last_amount,
            false as is_known
        from marts.order_book as book
        join boundaries on boundaries.last_month = book.period_month and boundaries.last_version = book.close_version
        where book.closing_quantity <> 0
        union all by name
        select
            boundaries.period_month,
            items.account_id,
            items.product_id,
            items.closing_quantity as last_quantity,
            items.closing_amount as last_amount,
            false as is_known
        from items
        join boundaries on boundaries.last_month = items.period_month
        -- Without deliveries nothing is published as open, so nothing opens the next month.
        cross join core.delivery_records as records
        where boundaries.opens_from_build and items.closing_quantity <> 0 and records.no_deliveries is null
    ),

    totals as (
        select
            parts.period_month,
            parts.account_id,
            parts.product_id,
            coalesce(sum(columns('_quantity$')), 0),
            complete_sum(
                columns('^(known_opening|ordered|cancelled|closing|overdue|due_.*|undated)_amount$'), is_known
            ),
            complete_sum(last_amount, not is_known) as last_amount,
            coalesce(
                min(amount_reason),
                case when count(*) filter (not is_known) > count(last_amount) then 'the month before has no amount' end
            ) as amount_reason
        from parts
        group by parts.period_month, parts.account_id, parts.product_id
    ),

    rolled as (
        select
            totals.*,
            boundaries.last_version is not null or boundaries.opens_from_build as has_last,
            case when has_last then last_quantity else known_opening_quantity end as opening_quantity,
            case when has_last then last_amount else known_opening_amount end as opening_amount,
            records.no_deliveries
        from totals
        join boundaries on boundaries.period_month = totals.period_month
        cross join core.delivery_records as records
    )

select
    rolled.period_month,
    rolled.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    rolled.product_id,
    case when rolled.product_id is not null then known(products.product_name) end as product_name,
    known(products.product_line) as product_line,
    lower(products.unit) as unit,
    rolled.ordered_quantity,
    rolled.ordered_amount,
    case
        when no_deliveries is null then columns('^(opening|cancelled|delivered|closing|overdue|undated)_quantity$')
    end,
    case when no_deliveries is null then known_opening_quantity - opening_quantity end as change_quantity,
    case when no_deliveries is null then closing_quantity - overdue_quantity - undated_quantity end as due_quantity,
    no_deliveries as closing_quantity_reason,
    case
        when no_deliveries is null
        then
            columns(
                '^(opening|cancelled|closing|overdue|due_month_1|due_month_2|due_month_3|due_later|undated)_amount$'
            )
    end,
    case
        when no_deliveries is null then known_opening_amount + ordered_amount - cancelled_amount - closing_amount
    end as delivered_amount,
    case when no_deliveries is null then known_opening_amount - opening_amount end as change_amount,
    coalesce(no_deliveries, amount_reason) as amount_reason
from rolled
left join core.accounts as accounts on accounts.account_id = rolled.account_id
left join core.products as products on products.product_id = rolled.product_id
