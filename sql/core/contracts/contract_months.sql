-- fmt: off
-- grain: month looked back on × contract that starts or was signed by its end
-- why: the state of a contract at a month's end, from its dates. Where later loads overwrote a date, the newest one loaded that is not
--   after the month's end counts. Dates that the newest load has taken away were never true
-- columns:
--   looked_month              DATE
--   as_of_date                DATE
--   contract_id               VARCHAR
--   account_id                VARCHAR
--   title                     VARCHAR
--   start_date                DATE
--   end_date                  DATE
--   notice_days               INTEGER
--   notice_by                 DATE
--   is_renewed_automatically  BOOLEAN
--   signed_by_us              DATE
--   signed_by_customer        DATE
--   terminated_on             DATE
--   payment_terms_days        INTEGER
--   state                     VARCHAR
--   days_to_end               BIGINT
--   days_to_end_reason        VARCHAR
--   days_to_notice_reason     VARCHAR
--   days_to_notice            BIGINT
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    known_then as (
        select
            months.looked_month,
            dates.contract_id,
            arg_max(dates.signed_by_us, dates.load_id) filter (dates.signed_by_us <= months.as_of_date) as signed_by_us,
            arg_max(dates.signed_by_customer, dates.load_id) filter (
                dates.signed_by_customer <= months.as_of_date
            ) as signed_by_customer,
            arg_max(dates.terminated_on, dates.load_id) filter (
                dates.terminated_on <= months.as_of_date
            ) as terminated_on
        from core.contract_dates as dates
        cross join months
        group by months.looked_month, dates.contract_id
    ),

    dated as (
        select
            months.looked_month,
            months.as_of_date,
            contracts.* replace (
                case when contracts.signed_by_us is not null then known_then.signed_by_us end as signed_by_us,
                case
                    when contracts.signed_by_customer is not null then known_then.signed_by_customer
                end as signed_by_customer,
                case when contracts.terminated_on is not null then known_then.terminated_on end as terminated_on,
                coalesce(contracts.is_renewed_automatically, false) as is_renewed_automatically
            ),
            least(months.as_of_date, known_then.terminated_on) as last_date,
            -- Renewed as often as it takes to end on that day or later.
            case
                when contracts.is_renewed_automatically and contracts.end_date < last_date
                then year(last_date) - year(contracts.end_date)
                else 0
            end as renewals
        from core.contracts as contracts
        join
            months
            on months.as_of_date >= least(
                contracts.start_date, contracts.signed_by_us, contracts.signed_by_customer, contracts.terminated_on
            )
        left join
            known_then
            on known_then.looked_month = months.looked_month
            and known_then.contract_id = contracts.contract_id
    ),

    renewed as (
        select
            * replace (
                case
                    when is_renewed_automatically and (end_date + to_months(12 * renewals))::date < last_date
                    then end_date + to_months(12 * (renewals + 1))
                    else end_date + to_months(12 * renewals)
                end::date as end_date
            )
        from dated
    ),

    states as (
        select
            *,
            end_date - notice_days as notice_by,
            case
                when terminated_on is not null
                then 'terminated'
                when end_date < as_of_date
                then 'expired'
                when signed_by_us is null or signed_by_customer is null
                then 'draft'
                when start_date > as_of_date
                then 'signed'
                when notice_by <= as_of_date
                then 'notice'
                else 'running'
            end as state,
            case
                when state in ('terminated', 'expired')
                then 'the contract is ' || state
                when end_date is null
                then 'the contract has no end'
            end as days_to_end_reason
        from renewed
    )

select
    looked_month,
    as_of_date,
    contract_id,
    account_id,
    title,
    start_date,
    end_date,
    notice_days,
    notice_by,
    is_renewed_automatically,
    signed_by_us,
    signed_by_customer,
    terminated_on,
    payment_terms_days,
    state,
    case when days_to_end_reason is null then end_date - as_of_date end as days_to_end,
    days_to_end_reason,
    coalesce(days_to_end_reason, case when notice_by is null then 'no notice is agreed' end) as days_to_notice_reason,
    case when days_to_notice_reason is null then notice_by - as_of_date end as days_to_notice
from states
