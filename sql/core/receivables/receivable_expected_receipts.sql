-- fmt: off
-- grain: month built × account × manager × source of the expectation; several rows where the source has several
-- why: what should have been paid in the month: open at its beginning or billed in it, and due by its end; where an
--   account has a payment plan for the month, the plan instead
-- lines: core.payment_plan by account_id, month = period_month;
--   core.receivable_open_items by account_id, account_manager where line.item_type = 'invoice' and line.period_month in
--     (figure.period_month, (figure.period_month - interval 1 month)::date)
-- columns:
--   period_month     DATE
--   account_id       VARCHAR
--   account_manager  VARCHAR
--   source           VARCHAR
--   amount           DECIMAL(32,2)
--   reason           VARCHAR
-- fmt: on
with
    parts as (
        select invoice_id, due_date, gross_amount_doc as amount_doc
        from core.receivable_documents
        anti join core.receivable_instalments using (invoice_id)
        union all
        select invoice_id, due_date, amount_doc
        from core.receivable_instalments
    ),

    billed as (
        select
            periods.period_month,
            documents.account_id,
            documents.account_manager,
            converted(parts.amount_doc, rates.rate) as amount,
            rate_reason(rates.rate, documents.currency) || ' at a document date' as reason
        from parts
        join core.receivable_documents as documents using (invoice_id)
        join core.receivable_cutoffs as cutoffs on cutoffs.calendar_date = documents.document_date
        join
            core.receivable_periods as periods
            on periods.closing_no = cutoffs.snapshot_no
            and parts.due_date <= periods.as_of_date
        left join
            core.daily_rates as rates
            on rates.currency = documents.currency
            and rates.rate_date = documents.document_date
    ),

    planned as (
        select
            periods.period_month,
            plan.account_id,
            known(accounts.account_manager) as account_manager,
            converted(plan.amount, rates.closing_rate) as amount,
            rate_reason(rates.closing_rate, plan.currency) as reason
        from core.payment_plan as plan
        join build.periods as periods on periods.period_month = plan.month
        left join core.accounts as accounts on accounts.account_id = plan.account_id
        left join
            core.month_rates as rates on rates.period_month = periods.period_month and rates.currency = plan.currency
    )

select period_month, account_id, account_manager, 'opening' as source, due_amount as amount, due_reason as reason
from core.receivable_balances
anti join planned using (period_month, account_id)
where due_amount is not null or due_reason is not null
union all
select period_month, account_id, account_manager, 'billed', amount, reason
from billed
anti join planned using (period_month, account_id)
union all
select period_month, account_id, account_manager, 'plan', amount, reason
from planned
