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
select sales.* exclude (basis)
from core.sales as sales
semi join build.settings as settings on settings.actual = 'invoiced'
where sales.basis = 'invoiced'
union all
select sales.* exclude (basis)
from core.sales as sales
semi join build.settings as settings on settings.actual = 'ordered'
where sales.basis = 'ordered'
