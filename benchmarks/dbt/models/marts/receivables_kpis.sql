-- Account: what is owed, what was billed in the month and in the three months that the DSO looks back on.
with
    balances as (
        select
            account_id,
            sum(outstanding_amount) as closing_amount,
            coalesce(sum(outstanding_amount) filter (item_type = 'invoice' and days_overdue <= 0), 0) as current_amount,
            coalesce(sum(outstanding_amount) filter (item_type = 'invoice' and days_overdue > 0), 0) as overdue_amount,
            coalesce(sum(-outstanding_amount) filter (item_type = 'unapplied_cash'), 0) as unapplied_cash
        from {{ ref('receivables_ageing') }}
        group by account_id
    ),

    documents as (
        select
            account_id, invoice_id, invoice_date, currency,
            sum(case when document_type = 'credit_note' then -net_amount - tax_amount else net_amount + tax_amount end) as gross
        from {{ ref('stg_invoices') }}
        where
            invoice_date >= {{ month() }} - interval 2 month
            and invoice_date <= {{ month_end() }}
        group by all
    ),

    billed as (
        select
            account_id,
            sum(round(gross * rate, 2)) as window_billed_amount,
            coalesce(sum(round(gross * rate, 2)) filter (invoice_date >= {{ month() }}), 0) as billed_amount
        from documents
        join {{ ref('day_rates') }} as rates on rates.currency = documents.currency and rates.rate_date = documents.invoice_date
        group by account_id
    ),

    accounts as (
        select
            account_id,
            coalesce(columns(* exclude (account_id)), 0)
        from balances
        full join billed using (account_id)
    )

select
    *,
    case
        when window_billed_amount > 0
        then round((
            closing_amount::double / window_billed_amount::double
            * ({{ month_end() }} - ({{ month() }} - interval 2 month)::date + 1)
        )::decimal(36, 6), 2)
    end as dso_days,
    case
        when current_amount + overdue_amount <> 0 then overdue_amount::double / (current_amount + overdue_amount)::double
    end as overdue_ratio
from accounts
