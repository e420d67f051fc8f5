-- fmt: off
-- grain: month looked back on × document that a tax form is due for, or form received, by its end × form type
-- why: in which quarter a document counts, as known at each month's end
-- materialise: view
-- lines: core.invoices by invoice_id = document_id where figure.document_kind <> 'form';
--   core.tax_forms by form_id = document_id where figure.document_kind = 'form'
-- columns:
--   looked_month     DATE
--   document_kind    VARCHAR
--   document_id      VARCHAR
--   document_date    DATE
--   account_id       VARCHAR
--   form_type        VARCHAR
--   currency         VARCHAR
--   fiscal_year      INTEGER
--   fiscal_quarter   INTEGER
--   invoiced_amount  DECIMAL(38,4)
--   received_amount  DECIMAL(38,4)
-- fmt: on
with months as (select distinct looked_month, as_of_date from core.looked_months)

select
    months.looked_month,
    documents.document_kind,
    documents.document_id,
    documents.document_date,
    documents.account_id,
    documents.form_type,
    documents.currency,
    case when documents.quarter_known_from <= months.as_of_date then documents.fiscal_year end as fiscal_year,
    case when documents.quarter_known_from <= months.as_of_date then documents.fiscal_quarter end as fiscal_quarter,
    documents.invoiced_amount,
    documents.received_amount
from core.tax_form_documents as documents
join months on months.as_of_date >= documents.document_date
