-- fmt: off
-- grain: basis × document × line
-- why: what was sold, once as invoiced and once as ordered; every figure on actual sales starts here
-- materialise: view
-- lines: core.invoices by invoice_id = document_id, line_no where figure.basis = 'invoiced';
--   core.orders by order_id = document_id, line_no where figure.basis = 'ordered'
-- columns:
--   basis            VARCHAR
--   document_id      VARCHAR
--   line_no          INTEGER
--   sale_date        DATE
--   period_month     DATE
--   account_id       VARCHAR
--   product_id       VARCHAR
--   product_line     VARCHAR
--   account_manager  VARCHAR
--   region           VARCHAR
--   currency         VARCHAR
--   quantity         DECIMAL(18,4)
--   amount_doc       DECIMAL(18,4)
--   unit             VARCHAR
-- fmt: on
with
    lines as (
        select
            'invoiced' as basis,
            invoice_id as document_id,
            line_no,
            invoice_date as sale_date,
            account_id,
            product_id,
            account_manager,
            null as region,
            currency,
            case when document_type = 'credit_note' then - quantity else quantity end as quantity,
            case when document_type = 'credit_note' then - net_amount else net_amount end as amount_doc
        from core.invoices
        union all
        select
            'ordered',
            order_id,
            line_no,
            order_date,
            account_id,
            product_id,
            account_manager,
            region,
            currency,
            quantity,
            -- An order line without a price has no amount yet; its quantity counts.
            coalesce(line_amount(quantity, unit_price), 0)::decimal(18, 4)
        from core.orders
        where not never_counts(status, cancelled_date)
    )

select
    lines.basis,
    lines.document_id,
    lines.line_no,
    lines.sale_date,
    days.period_month,
    lines.account_id,
    lines.product_id,
    known(products.product_line) as product_line,
    known(coalesce(lines.account_manager, accounts.account_manager)) as account_manager,
    known(coalesce(lines.region, accounts.region)) as region,
    lines.currency,
    lines.quantity,
    lines.amount_doc,
    lower(products.unit) as unit
from lines
join core.days as days on days.calendar_date = lines.sale_date
left join core.accounts as accounts on accounts.account_id = lines.account_id
left join core.products as products on products.product_id = lines.product_id
