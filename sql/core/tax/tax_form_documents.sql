-- fmt: off
-- grain: document that a tax form is due for, or form received × form type
-- why: what forms are due for and what came, each with the fiscal quarter it counts in: a form in the quarter that it names, else
--   in that of its invoice, which is known from the invoice's date on. Nothing where the feed tax_forms is not declared
-- columns:
--   document_kind       VARCHAR
--   document_id         VARCHAR
--   document_date       DATE
--   account_id          VARCHAR
--   form_type           VARCHAR
--   currency            VARCHAR
--   fiscal_year         INTEGER
--   fiscal_quarter      INTEGER
--   quarter_known_from  DATE
--   invoiced_amount     DECIMAL(38,4)
--   received_amount     DECIMAL(38,4)
-- fmt: on
with
    is_declared as (from build.settings where list_contains(declared_feeds, 'tax_forms')),

    quarters as (
        select days.calendar_date, months.fiscal_year, months.fiscal_quarter
        from core.days as days
        join core.months as months on months.period_month = days.period_month
    ),

    due as (
        select
            document_type as document_kind,
            invoice_id as document_id,
            invoice_date as document_date,
            account_id,
            tax_form_type as form_type,
            currency,
            sum(case when document_type = 'credit_note' then - net_amount else net_amount end) as amount
        from core.invoices
        where tax_form_type is not null and exists (from is_declared)
        group by document_type, invoice_id, invoice_date, account_id, tax_form_type, currency
    ),

    invoice_dates as (
        select invoice_id, min(invoice_date) as invoice_date
        from core.invoices
        where invoice_id in (select invoice_id from core.tax_forms)
        group by invoice_id
    ),

    forms as (
        select
            forms.*,
            forms.fiscal_year is not null and forms.quarter is not null as names_quarter,
            case when not names_quarter then invoice_dates.invoice_date end as quarter_day
        from core.tax_forms as forms
        left join invoice_dates on invoice_dates.invoice_id = forms.invoice_id
    )

select
    due.document_kind,
    due.document_id,
    due.document_date,
    due.account_id,
    due.form_type,
    due.currency,
    quarters.fiscal_year,
    quarters.fiscal_quarter,
    due.document_date as quarter_known_from,
    due.amount::decimal(38, 4) as invoiced_amount,
    0::decimal(38, 4) as received_amount
from due
join quarters on quarters.calendar_date = due.document_date
union all
select
    'form',
    forms.form_id,
    forms.received_date,
    forms.account_id,
    forms.form_type,
    forms.currency,
    case when forms.names_quarter then forms.fiscal_year else quarters.fiscal_year end,
    case when forms.names_quarter then forms.quarter else quarters.fiscal_quarter end,
    coalesce(forms.quarter_day, forms.received_date),
    0,
    forms.amount
from forms
left join quarters on quarters.calendar_date = forms.quarter_day
