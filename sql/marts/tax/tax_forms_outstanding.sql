-- fmt: off
-- grain: period_month, account_id, form_type, fiscal_year, fiscal_quarter
-- why: for which quarters a customer still owes us tax forms, such as the C-form of India: without the form we owe the tax that it spares.
--   As ERPNext has it (C-Form): the form covers net amounts of the invoices of a quarter. All amounts are at the rate of the month end
-- method: tax-forms-1
-- needs: tax_forms, invoices
-- lines: core.tax_form_months by looked_month = period_month, account_id, form_type, fiscal_year, fiscal_quarter
-- columns:
--   period_month                DATE
--   account_id                  VARCHAR
--   account_name                VARCHAR
--   account_manager             VARCHAR
--   form_type                   VARCHAR
--   fiscal_year                 INTEGER        [number; none] Fiscal year of the documents, named by the year it ends in; NULL for forms that name no quarter and whose invoice is not known
--   fiscal_quarter              INTEGER
--   invoiced_amount             DECIMAL(32,2)  [reporting currency; last in time] Net amount up to the month end of invoices and debit notes for which the form is due, less credit notes
--   invoiced_amount_reason      VARCHAR
--   received_amount             DECIMAL(32,2)  [reporting currency; last in time] Net amount that forms cover which were received by the month end
--   received_amount_reason      VARCHAR
--   outstanding_amount          DECIMAL(32,2)  [reporting currency; last in time; less is better] here: Net amount without a form; below zero where forms cover more than was invoiced := invoiced_amount − received_amount
--   outstanding_amount_reason   VARCHAR
--   days_outstanding            BIGINT         [days; none; less is better] Days from the end of the quarter to the month end, 0 while the quarter runs, whether or not something is outstanding
--   days_outstanding_reason     VARCHAR
--   tax_at_risk_amount          DECIMAL(32,2)  [reporting currency; last in time; less is better] Tax that we owe if no form comes := outstanding_amount above 0 × the form's rate in [tax_forms] rates
--   tax_at_risk_amount_reason   VARCHAR
-- fmt: on
select
    balances.looked_month as period_month,
    balances.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    balances.form_type,
    balances.fiscal_year,
    balances.fiscal_quarter,
    balances.invoiced_amount,
    balances.amount_reason as invoiced_amount_reason,
    balances.received_amount,
    balances.amount_reason as received_amount_reason,
    balances.outstanding_amount,
    balances.amount_reason as outstanding_amount_reason,
    balances.days_outstanding,
    balances.days_reason as days_outstanding_reason,
    case
        when balances.outstanding_amount <= 0 then 0 else to_cents(balances.outstanding_amount * rates.rate)
    end as tax_at_risk_amount,
    case
        when tax_at_risk_amount is null
        then coalesce(balances.amount_reason, 'no rate of ' || balances.form_type || ' in [tax_forms] rates')
    end as tax_at_risk_amount_reason
from core.tax_form_balances as balances
semi join build.periods as periods on periods.period_month = balances.looked_month
left join build.tax_form_rates as rates on rates.form_type = balances.form_type
left join core.accounts as accounts on accounts.account_id = balances.account_id
