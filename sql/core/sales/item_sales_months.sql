-- fmt: off
-- grain: month of sales that a month built looks at × account × part × manager of the line × currency
-- why: invoices and orders are read once for all figures on sales: quantities and amounts of a month in the documents'
--   currency. An amount with a quantity stands apart from one without, such as a rebate
-- columns:
--   sales_month         DATE
--   account_id          VARCHAR
--   product_id          VARCHAR
--   account_manager     VARCHAR
--   currency            VARCHAR
--   is_invoiced         BOOLEAN
--   is_ordered          BOOLEAN
--   quantity            DECIMAL(38,4)
--   quantity_amount_doc DECIMAL(38,4)
--   other_amount_doc    DECIMAL(38,4)
--   return_quantity     DECIMAL(38,4)
--   return_amount_doc   DECIMAL(38,4)
--   list_amount_doc     DECIMAL(38,8)
--   unlisted_quantity   DECIMAL(38,4)
--   unlisted_amount_doc DECIMAL(38,4)
--   ordered_quantity    DECIMAL(38,4)
--   ordered_amount_doc  DECIMAL(38,4)
-- fmt: on
with
    wanted_days as (
        select days.calendar_date, days.period_month as sales_month
        from core.days as days
        semi join core.sales_windows as windows on windows.sales_month = days.period_month
    ),

    invoice_lines as (
        select
            invoice_date as sale_date,
            account_id,
            product_id,
            account_manager,
            currency,
            document_type = 'credit_note' as is_credit,
            -- A line of quantity 0 is a rebate or price settlement like one without.
            case when is_credit then - nullif(quantity, 0) else nullif(quantity, 0) end as quantity,
            case when is_credit then - net_amount else net_amount end as amount_doc,
            -- Goods taken back are a negative line of an invoice where the source has no credit notes.
            is_credit or coalesce(quantity < 0, false) as is_return,
            list_price
        from core.invoices
    ),

    invoiced as (
        select
            days.sales_month,
            lines.account_id,
            lines.product_id,
            lines.account_manager,
            lines.currency,
            sum(lines.quantity) as quantity,
            sum(lines.amount_doc) filter (lines.quantity is not null) as quantity_amount_doc,
            sum(lines.amount_doc) filter (lines.quantity is null) as other_amount_doc,
            - sum(lines.quantity) filter (lines.is_return) as return_quantity,
            - sum(lines.amount_doc) filter (lines.is_return and lines.quantity is not null) as return_amount_doc,
            sum(lines.quantity::decimal(28, 4) * lines.list_price) as list_amount_doc,
            sum(lines.quantity) filter (lines.list_price is null) as unlisted_quantity,
            sum(lines.amount_doc) filter (
                lines.list_price is null and lines.quantity is not null
            ) as unlisted_amount_doc
        from invoice_lines as lines
        join wanted_days as days on days.calendar_date = lines.sale_date
        group by days.sales_month, lines.account_id, lines.product_id, lines.account_manager, lines.currency
    ),

    ordered as (
        select
            days.sales_month,
            orders.account_id,
            orders.product_id,
            orders.account_manager,
            orders.currency,
            sum(orders.quantity) as ordered_quantity,
            -- An order line without a price has no amount yet; its quantity counts. Rounding a line takes eight times
            -- as
            -- long as the product does, so that the sum is rounded.
            sum(orders.quantity::decimal(28, 4) * orders.unit_price) as ordered_amount_doc
        from core.orders as orders
        join wanted_days as days on days.calendar_date = orders.order_date
        where not never_counts(orders.status, orders.cancelled_date)
        group by days.sales_month, orders.account_id, orders.product_id, orders.account_manager, orders.currency
    ),

    both_kinds as (
        select *, true as is_invoiced
        from invoiced
        union all by name
        select *, true as is_ordered
        from ordered
    )

select
    both_kinds.sales_month,
    both_kinds.account_id,
    both_kinds.product_id,
    known(coalesce(both_kinds.account_manager, accounts.account_manager)) as account_manager,
    both_kinds.currency,
    coalesce(bool_or(both_kinds.is_invoiced), false) as is_invoiced,
    coalesce(bool_or(both_kinds.is_ordered), false) as is_ordered,
    sum(both_kinds.quantity)::decimal(38, 4) as quantity,
    coalesce(sum(both_kinds.quantity_amount_doc), 0)::decimal(38, 4) as quantity_amount_doc,
    coalesce(sum(both_kinds.other_amount_doc), 0)::decimal(38, 4) as other_amount_doc,
    coalesce(sum(both_kinds.return_quantity), 0)::decimal(38, 4) as return_quantity,
    coalesce(sum(both_kinds.return_amount_doc), 0)::decimal(38, 4) as return_amount_doc,
    coalesce(sum(both_kinds.list_amount_doc), 0)::decimal(38, 8) as list_amount_doc,
    coalesce(sum(both_kinds.unlisted_quantity), 0)::decimal(38, 4) as unlisted_quantity,
    coalesce(sum(both_kinds.unlisted_amount_doc), 0)::decimal(38, 4) as unlisted_amount_doc,
    coalesce(sum(both_kinds.ordered_quantity), 0)::decimal(38, 4) as ordered_quantity,
    coalesce(sum(both_kinds.ordered_amount_doc), 0)::decimal(38, 4) as ordered_amount_doc
from both_kinds
left join core.accounts as accounts on accounts.account_id = both_kinds.account_id
group by
    both_kinds.sales_month,
    both_kinds.account_id,
    both_kinds.product_id,
    known(coalesce(both_kinds.account_manager, accounts.account_manager)),
    both_kinds.currency
