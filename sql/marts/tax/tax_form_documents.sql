-- fmt: off
-- grain: period_month, document_kind, document_id, form_type
-- why: the documents behind tax_forms_outstanding, of the quarters that are not covered exactly: what forms are due for, and the forms that came.
--   Invoiced less received, at the rate of the month end, is what is outstanding
-- method: tax-form-documents-1
-- needs: tax_forms, invoices
-- lines: core.invoices by invoice_id = document_id where figure.document_kind <> 'form';
--   core.tax_forms by form_id = document_id where figure.document_kind = 'form'
-- columns:
--   period_month         DATE
--   account_id           VARCHAR
--   account_name         VARCHAR
--   account_manager      VARCHAR
--   form_type            VARCHAR
--   fiscal_year          INTEGER        [number; none] Fiscal year in which the document counts, named by the year it ends in; NULL for a form that names no quarter and whose invoice is not known
--   fiscal_quarter       INTEGER
--   document_kind        VARCHAR        invoice, debit_note, credit_note or form
--   document_id          VARCHAR        Number of the document, or of the form
--   document_date        DATE           Date of the document, or day on which the form was received
--   currency             VARCHAR
--   invoiced_amount_doc  DECIMAL(34,4)  [document currency; last in time] Net amount of the lines for which the form is due, negative for credit notes; 0 for a form
--   received_amount_doc  DECIMAL(34,4)  [document currency; last in time] Net amount that the form covers; 0 for other documents
-- fmt: on
select
    documents.looked_month as period_month,
    documents.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    documents.form_type,
    documents.fiscal_year,
    documents.fiscal_quarter,
    documents.document_kind,
    documents.document_id,
    documents.document_date,
    documents.currency,
    documents.invoiced_amount as invoiced_amount_doc,
    documents.received_amount as received_amount_doc
from core.tax_form_months as documents
semi join build.periods as periods on periods.period_month = documents.looked_month
join
    core.tax_form_balances as balances
    on balances.looked_month = documents.looked_month
    and balances.account_id = documents.account_id
    and balances.form_type = documents.form_type
    and balances.fiscal_year is not distinct from documents.fiscal_year
    and balances.fiscal_quarter is not distinct from documents.fiscal_quarter
left join core.accounts as accounts on accounts.account_id = documents.account_id
where balances.outstanding_amount is distinct from 0
