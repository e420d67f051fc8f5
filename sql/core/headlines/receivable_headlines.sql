-- fmt: off
-- grain: month looked back on × account, from its first document on
-- why: what an account owed at each month's end, as known now. With nothing open it owes 0
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   own_limit     DECIMAL(32,2)
--   seen          VARCHAR
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    first_days as (
        select account_id, min(document_date) as first_date
        from
            (
                select account_id, document_date
                from core.receivable_documents
                union all
                select account_id, document_date
                from core.receivable_settlements
            )
        where account_id is not null
        group by account_id
    ),

    owed as (
        select
            items.period_month as looked_month,
            items.account_id,
            complete_sum(items.outstanding_amount, true) as closing_amount,
            complete_sum(items.outstanding_amount, items.is_owed) as owed_amount,
            complete_sum(items.outstanding_amount, items.is_owed and items.days_overdue > 0) as overdue_amount
        from
            (
                select *, item_type = 'invoice' and outstanding_amount_doc > 0 as is_owed
                from core.receivable_open_items
            ) as items
        semi join months on months.looked_month = items.period_month
        group by items.period_month, items.account_id
    ),

    balances as (
        select
            months.looked_month,
            first_days.account_id,
            case when owed.account_id is null then 0 else money_round(owed.closing_amount) end::decimal(
                32, 2
            ) as closing_amount,
            shown_ratio(ratio(owed.overdue_amount, owed.owed_amount)) as overdue_ratio,
            converted(accounts.credit_limit, rates.closing_rate) as credit_limit
        from first_days
        join months on months.as_of_date >= first_days.first_date
        left join owed on owed.looked_month = months.looked_month and owed.account_id = first_days.account_id
        left join core.accounts as accounts on accounts.account_id = first_days.account_id
        left join
            core.month_rates as rates on rates.period_month = months.looked_month and rates.currency = accounts.currency
    )

select
    looked_month,
    account_id,
    'receivables_kpis_by_account.overdue_ratio' as measure,
    overdue_ratio::decimal(36, 6) as figure,
    null::decimal(32, 2) as own_limit,
    'always' as seen
from balances
union all by name
select
    looked_month,
    account_id,
    'receivables_kpis_by_account.closing_amount' as measure,
    closing_amount::decimal(36, 6) as figure,
    'always' as seen
from balances
union all by name
select
    looked_month,
    account_id,
    'receivables_kpis_by_account.exposure' as measure,
    closing_amount::decimal(36, 6) as figure,
    credit_limit as own_limit,
    'always' as seen
from balances
cross join build.settings as settings
where settings.credit_exposure = 'outstanding'
union all by name
-- Open orders are known for the months built only.
select
    period_month as looked_month,
    account_id,
    'receivables_kpis_by_account.exposure' as measure,
    exposure::decimal(36, 6) as figure,
    credit_limit as own_limit,
    'at the close' as seen
from build.receivables_kpis
cross join build.settings as settings
where level = 'account' and settings.credit_exposure <> 'outstanding'
