-- fmt: off
-- grain: month looked back on × account × measure, from its first contract or commitment on
-- why: how soon notice of a contract has to be given, and what was bought of the amounts committed. A day that has passed is no longer
--   due: of a contract that is renewed the next term's counts. From a year on, and where no contract needs notice, it is 366 days: so
--   a flag ends with its contract
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    notices as (
        select
            *,
            case
                when state not in ('signed', 'notice', 'running')
                then null
                when days_to_notice >= 0
                then days_to_notice
                when is_renewed_automatically
                then (end_date + interval 12 month)::date - notice_days - as_of_date
            end as days_left
        from core.contract_months
    ),

    due as (
        select
            looked_month,
            account_id,
            least(coalesce(min(days_left), 366), 366) as days_left,
            'contract_id ' || arg_min(contract_id, (days_left, contract_id)) filter (days_left < 366) as contract
        from notices
        group by looked_month, account_id
    ),

    volumes as (
        select
            looked_month,
            account_id,
            complete_sum(bought_amount, has_amount) as bought_amount,
            complete_sum(committed_amount, has_amount) as committed_amount
        from
            (
                select *, committed_amount_reason is distinct from 'no amount is committed' as has_amount
                from core.contract_volumes
            )
        group by looked_month, account_id
        having bool_or(has_amount)
    )

select
    looked_month,
    account_id,
    'contract_status.days_to_notice' as measure,
    days_left::decimal(36, 6) as figure,
    contract as look_at
from due
union all
select
    looked_month,
    account_id,
    'contract_status.fulfilment_ratio',
    shown_ratio(ratio(bought_amount, committed_amount))::decimal(36, 6),
    null
from volumes
