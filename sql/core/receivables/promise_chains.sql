-- fmt: off
-- grain: promise of payment
-- why: promises of an account whose days overlap form a chain, and only these are filled one after the other, the oldest first.
--   Chains that ended before the first month that flags look back on are left out
-- columns:
--   chain_no            INTEGER
--   step_no             INTEGER
--   visit_id            VARCHAR
--   account_id          VARCHAR
--   currency            VARCHAR
--   promised_on         DATE
--   promised_date       DATE
--   amount              DECIMAL(18,4)
--   chain_first_date    DATE
--   chain_last_date     DATE
-- fmt: on
with
    visits as (
        select
            visits.visit_id,
            visits.account_id,
            visits.currency,
            coalesce(visits.visit_date, visits.planned_date) as promised_on,
            visits.promised_payment_date as promised_date,
            visits.promised_payment_amount as amount,
            -- Of promises of one day for one day the least comes first.
            row_number() over (
                partition by visits.account_id
                order by
                    coalesce(visits.visit_date, visits.planned_date),
                    visits.promised_payment_date,
                    visits.promised_payment_amount * coalesce(rates.rate, 1),
                    visits.visit_id
            ) as promise_no
        from core.visits as visits
        left join
            core.daily_rates as rates
            on rates.currency = visits.currency
            and rates.rate_date = coalesce(visits.visit_date, visits.planned_date)
        where visits.promised_payment_amount > 0 and visits.promised_payment_date is not null
    ),

    linked as (
        select
            *,
            coalesce(
                promised_on > max(greatest(promised_on, promised_date)) over (
                    partition by account_id order by promise_no rows between unbounded preceding and 1 preceding
                ),
                true
            ) as is_first
        from visits
    ),

    numbered as (
        select
            *, count_if(is_first) over (order by account_id, promise_no rows unbounded preceding)::integer as chain_no
        from linked
    ),

    chains as (
        select chain_no, min(promised_on) as first_date, max(greatest(promised_on, promised_date)) as last_date
        from numbered
        group by chain_no
        having
            max(promised_date) > (
                select min(before.as_of_date)
                from build.periods as periods
                join core.months as before on before.month_index = periods.month_index - 13
            )
    )

select
    numbered.chain_no,
    row_number() over (partition by numbered.chain_no order by numbered.promise_no)::integer as step_no,
    numbered.visit_id,
    numbered.account_id,
    numbered.currency,
    numbered.promised_on,
    numbered.promised_date,
    numbered.amount,
    chains.first_date as chain_first_date,
    chains.last_date as chain_last_date
from numbered
join chains on chains.chain_no = numbered.chain_no
