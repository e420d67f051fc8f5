-- fmt: off
-- grain: period_month, order_id, line_no
-- why: the order lines that were ordered or due in the month or are open at its end, and what is known of each by then
-- method: order-lines-1
-- needs: orders
-- lines: core.orders by order_id, line_no;
--   core.deliveries by order_id, order_line_no = line_no;
--   core.invoices by order_id, order_line_no = line_no
-- columns:
--   period_month                     DATE
--   order_id                         VARCHAR        Number of the order in the source
--   line_no                          INTEGER        [number; none] Line of the order
--   account_id                       VARCHAR
--   account_name                     VARCHAR
--   account_manager                  VARCHAR
--   document_account_manager         VARCHAR
--   product_id                       VARCHAR        here: The part; NULL for lines that name none
--   unit                             VARCHAR
--   order_date                       DATE           Date of the order
--   requested_date                   DATE           Delivery date the customer asked for
--   promised_date                    DATE           Delivery date first promised
--   last_promised_date               DATE           Delivery date promised last
--   due_date                         DATE           Promised last, else promised, else requested
--   completed_date                   DATE           Day on which the ordered quantity was reached, within the tolerance
--   cancelled_date                   DATE           Day on which the line was cancelled, by the month end
--   currency                         VARCHAR        here: Currency of the order
--   unit_price                       DECIMAL(24,10) [document currency; none] Net price of one unit
--   ordered_quantity                 DECIMAL(34,4)  [units of the item; last in time] Quantity ordered
--   delivered_quantity               DECIMAL(34,4)  [units of the item; last in time] Quantity delivered by the month end, rejected goods included
--   open_quantity                    DECIMAL(34,4)  [units of the item; last in time] Not delivered by the month end; 0 of a line that was cancelled or closed short
--   delivered_quantity_reason        VARCHAR        Why delivered_quantity and the other columns that need deliveries are undefined
--   invoiced_quantity                DECIMAL(34,4)  [units of the item; last in time] Invoice lines that name the order line, less credit notes, by the month end
--   invoiced_quantity_reason         VARCHAR
--   accepted_quantity                DECIMAL(34,4)  [units of the item; last in time] Of the quantity invoiced, what is on lines that the customer booked by the month end
--   accepted_quantity_reason         VARCHAR
--   delivered_not_invoiced_quantity  DECIMAL(34,4)  [units of the item; last in time] Delivered and not invoiced yet := max(delivered_quantity − invoiced_quantity, 0)
--   invoiced_not_delivered_quantity  DECIMAL(34,4)  [units of the item; last in time] Invoiced and not delivered yet := max(invoiced_quantity − delivered_quantity, 0)
--   requested_days_late              INTEGER        [days; none; less is better] Days from the requested date to completion, else to the month end; negative = early or not due yet
--   promised_days_late               INTEGER        [days; none; less is better] Days from the promised date to completion, else to the month end; negative = early or not due yet
--   last_promised_days_late          INTEGER        [days; none; less is better] Days from the date promised last to completion, else to the month end; negative = early or not due yet
--   is_ordered                       BOOLEAN        Whether it was ordered in the month
--   is_due                           BOOLEAN        Whether one of its three dates lies in the month
--   is_in_full                       BOOLEAN        Whether the ordered quantity was reached by the month end; where a tolerance is set, within it on both sides
--   is_open                          BOOLEAN        Whether something is not delivered yet
--   is_overdue                       BOOLEAN        Whether it is open and was due before the month end
--   requested_is_on_time             BOOLEAN        On time by the requested date as delivery_performance counts it; NULL where that is not past or not given
--   requested_is_otif                BOOLEAN        On time and in full by the requested date; NULL where that is not past or not given
--   promised_is_on_time              BOOLEAN        On time by the promised date; NULL where that is not past or not given
--   promised_is_otif                 BOOLEAN        On time and in full by the promised date; NULL where that is not past or not given
--   last_promised_is_on_time         BOOLEAN        On time by the date promised last; NULL where that is not past or not given
--   last_promised_is_otif            BOOLEAN        On time and in full by the date promised last; NULL where that is not past or not given
-- fmt: on
with
    lines as (select * from core.order_line_months where is_ordered or is_due or closing_quantity > 0),

    invoiced as (
        select
            lines.period_month,
            lines.order_id,
            lines.line_no,
            sum(
                case when invoices.document_type = 'credit_note' then - invoices.quantity else invoices.quantity end
            ) as quantity,
            sum(
                case when invoices.document_type = 'credit_note' then - invoices.quantity else invoices.quantity end
            ) filter (invoices.accepted_date <= lines.as_of_date) as accepted_quantity
        from lines
        join
            core.invoices as invoices
            on invoices.order_id = lines.order_id
            and invoices.order_line_no = lines.line_no
            and invoices.invoice_date <= lines.as_of_date
        group by lines.period_month, lines.order_id, lines.line_no
    ),

    records as (
        select
            deliveries.no_deliveries,
            undeclared_reason('invoices', settings.declared_feeds) as no_invoices,
            coalesce(
                undeclared_reason('invoices', settings.declared_feeds),
                case when (select count(accepted_date) from core.invoices) = 0 then 'invoices have no accepted_date' end
            ) as no_acceptance
        from core.delivery_records as deliveries
        cross join build.settings as settings
    ),

    known as (
        select
            lines.*,
            records.*,
            case when records.no_deliveries is null then lines.arrived_quantity end as known_quantity,
            case when records.no_invoices is null then coalesce(invoiced.quantity, 0) end as invoiced_quantity,
            case
                when records.no_acceptance is null then coalesce(invoiced.accepted_quantity, 0)
            end as accepted_quantity,
            coalesce(lines.finished_date, lines.as_of_date) as judged_date
        from lines
        cross join records
        left join
            invoiced
            on invoiced.period_month = lines.period_month
            and invoiced.order_id = lines.order_id
            and invoiced.line_no = lines.line_no
    )

select
    known.period_month,
    known.order_id,
    known.line_no,
    known.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    known(coalesce(known.account_manager, accounts.account_manager)) as document_account_manager,
    known.product_id,
    lower(products.unit) as unit,
    known.order_date,
    known.requested_date,
    known.promised_date,
    known.last_promised_date,
    known.due_date,
    known.cancelled_date,
    known.currency,
    known.unit_price,
    known.quantity as ordered_quantity,
    known.known_quantity as delivered_quantity,
    known.no_deliveries as delivered_quantity_reason,
    known.invoiced_quantity,
    known.no_invoices as invoiced_quantity_reason,
    known.accepted_quantity,
    known.no_acceptance as accepted_quantity_reason,
    greatest(known.known_quantity - known.invoiced_quantity, 0)
    + 0 * known.known_quantity * known.invoiced_quantity as delivered_not_invoiced_quantity,
    greatest(known.invoiced_quantity - known.known_quantity, 0)
    + 0 * known.known_quantity * known.invoiced_quantity as invoiced_not_delivered_quantity,
    known.is_ordered,
    known.is_due,
    case when known.no_deliveries is null then known.closing_quantity end as open_quantity,
    case when known.no_deliveries is null then known.completed_date end as completed_date,
    case when known.no_deliveries is null then known.judged_date - known.requested_date end as requested_days_late,
    case when known.no_deliveries is null then known.judged_date - known.promised_date end as promised_days_late,
    case
        when known.no_deliveries is null then known.judged_date - known.last_promised_date
    end as last_promised_days_late,
    case when known.no_deliveries is null then known.is_in_full end as is_in_full,
    case when known.no_deliveries is null then known.closing_quantity > 0 end as is_open,
    case
        when known.no_deliveries is null
        then known.closing_quantity > 0 and coalesce(known.due_date < known.as_of_date, false)
    end as is_overdue,
    case when known.no_deliveries is null then columns('^(requested|promised|last_promised)_is_on_time$') end,
    case when known.no_deliveries is null then known.requested_is_on_time and known.is_in_full end as requested_is_otif,
    case when known.no_deliveries is null then known.promised_is_on_time and known.is_in_full end as promised_is_otif,
    case
        when known.no_deliveries is null then known.last_promised_is_on_time and known.is_in_full
    end as last_promised_is_otif
from known
left join core.accounts as accounts on accounts.account_id = known.account_id
left join core.products as products on products.product_id = known.product_id
