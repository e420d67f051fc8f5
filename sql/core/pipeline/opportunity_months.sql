-- fmt: off
-- grain: month built or looked back on × opportunity that is open at its end, was closed in it, or was decided in the twelve months to it
-- why: what is known of an opportunity at the month's end: its newest record by then, and closed when its day of closing has come.
--   A closing that is recorded in a later month than it happened closes the opportunity there: no other month can count it
-- lines: core.opportunities by opportunity_id, recorded_on
-- columns:
--   period_month         DATE
--   opportunity_id       VARCHAR
--   recorded_on          DATE
--   account_id           VARCHAR
--   account_manager      VARCHAR
--   product_line         VARCHAR
--   stage                VARCHAR
--   success_probability  DECIMAL(18,4)
--   expected_close       DATE
--   outcome              VARCHAR
--   closed_on            DATE
--   amount               DECIMAL(32,2)
--   expected_amount      DECIMAL(32,2)
--   amount_reason        VARCHAR
--   is_open              BOOLEAN
--   is_unrated           BOOLEAN
--   is_slipped           BOOLEAN
--   is_closed            BOOLEAN
--   is_won               BOOLEAN
--   is_lost              BOOLEAN
--   is_decided           BOOLEAN
-- fmt: on
with
    periods as (
        select distinct looked_month as period_month, start_date, as_of_date, month_index from core.looked_months
    ),

    records as (
        select
            *,
            coalesce(
                lead(recorded_on) over (partition by opportunity_id order by recorded_on), date '9999-12-31'
            ) as next_recorded_on
        from core.opportunities
    ),

    states as (
        select
            periods.period_month,
            periods.start_date,
            periods.as_of_date,
            periods.month_index,
            records.*,
            coalesce(records.closed_on <= periods.as_of_date, false) as is_over
        from periods
        join records on records.recorded_on <= periods.as_of_date and records.next_recorded_on > periods.as_of_date
    ),

    compared as (
        select
            states.*,
            not states.is_over as is_open,
            states.is_over
            and (
                states.closed_on >= states.start_date or not coalesce(previous.closed_on < states.start_date, false)
            ) as is_closed,
            states.is_over
            and states.outcome is not null
            and coalesce(months.month_index > states.month_index - 12, false) as is_decided
        from states
        left join
            records as previous
            on previous.opportunity_id = states.opportunity_id
            and previous.recorded_on < states.start_date
            and previous.next_recorded_on >= states.start_date
        left join core.days as days on days.calendar_date = states.closed_on
        left join core.months as months on months.period_month = days.period_month
    )

select
    compared.period_month,
    compared.opportunity_id,
    compared.recorded_on,
    compared.account_id,
    compared.account_manager,
    compared.product_line,
    known(compared.stage) as stage,
    compared.success_probability,
    compared.expected_close,
    case when not compared.is_open then compared.outcome end as outcome,
    case when not compared.is_open then compared.closed_on end as closed_on,
    converted(compared.value, rates.rate) as amount,
    case
        when compared.is_open
        then to_cents(at_rate(compared.value, rates.rate) * coalesce(compared.success_probability, 0))
    end as expected_amount,
    rate_reason(rates.rate, compared.currency) as amount_reason,
    compared.is_open,
    compared.is_open and compared.success_probability is null as is_unrated,
    compared.is_open and coalesce(compared.expected_close <= compared.as_of_date, false) as is_slipped,
    compared.is_closed,
    compared.is_closed and coalesce(compared.outcome = 'won', false) as is_won,
    compared.is_closed and coalesce(compared.outcome = 'lost', false) as is_lost,
    compared.is_decided
from compared
left join
    core.daily_rates as rates
    on rates.currency = compared.currency
    and rates.rate_date = case when compared.is_open then compared.as_of_date else compared.closed_on end
where compared.is_open or compared.is_closed or compared.is_decided
