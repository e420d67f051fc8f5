-- fmt: off
-- grain: document × line
-- why: the sales that plans are compared with, as invoiced or as ordered. The documents of the other basis are not even read
-- materialise: view
-- columns:
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
select
    sales.document_id,
    sales.line_no,
    sales.sale_date,
    sales.period_month,
    sales.account_id,
    sales.product_id,
    sales.product_line,
    sales.account_manager,
    sales.region,
    sales.currency,
    sales.quantity,
    sales.amount_doc,
    sales.unit
from core.sales as sales
semi join build.settings as settings on settings.actual = 'invoiced'
where sales.basis = 'invoiced'
union all
select
    sales.document_id,
    sales.line_no,
    sales.sale_date,
    sales.period_month,
    sales.account_id,
    sales.product_id,
    sales.product_line,
    sales.account_manager,
    sales.region,
    sales.currency,
    sales.quantity,
    sales.amount_doc,
    sales.unit
from core.sales as sales
semi join build.settings as settings on settings.actual = 'ordered'
where sales.basis = 'ordered'
