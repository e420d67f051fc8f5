-- fmt: off
-- grain: month of core.rating_months × issue that is open at its end, was opened, closed or reopened in it, or is due in it.
--   Of a month built, `is_built` marks those opened by its end
-- why: what is known of an issue at the month's end, from its dates. Where later loads overwrote a date, the newest one
--   loaded that is not after the month's end counts: an issue closed, reopened and closed again was closed in between.
--   Dates that the newest load has taken away were never true
-- columns:
--   period_month         DATE
--   as_of_date           DATE
--   is_built             BOOLEAN
--   issue_id             VARCHAR
--   account_id           VARCHAR
--   product_id           VARCHAR
--   dimension            VARCHAR
--   origin               VARCHAR
--   category             VARCHAR
--   issue_type           VARCHAR
--   severity             VARCHAR
--   affected_quantity    DECIMAL(18,4)
--   opened_date          DATE
--   target_close_date    DATE
--   closed_date          DATE
--   reopened_date        DATE
--   has_cost             BOOLEAN
--   cost                 DECIMAL(32,2)
--   cost_reason          VARCHAR
--   is_opened            BOOLEAN
--   is_closed            BOOLEAN
--   is_due               BOOLEAN
--   is_closed_in_time    BOOLEAN
--   is_open              BOOLEAN
--   is_overdue           BOOLEAN
--   is_reopened          BOOLEAN
--   is_repeated          BOOLEAN
--   days_to_close        BIGINT
--   age_days             BIGINT
-- fmt: on
with
    months as (
        select months.period_month, months.start_date, months.as_of_date, built.period_month is not null as is_built
        from core.months as months
        semi join core.rating_months as rating using (period_month)
        left join build.periods as built on built.period_month = months.period_month
    ),

    repeats as (
        select
            issue_id,
            opened_date
            - lag(opened_date) over (partition by account_id, product_id, dimension order by opened_date, issue_id)
            <= 90 as is_repeated
        from core.issues
        where product_id is not null
    ),

    issues as (
        select issues.*, due_days.period_month as due_month, coalesce(repeats.is_repeated, false) as is_repeat
        from core.issues as issues
        left join core.days as due_days on due_days.calendar_date = issues.target_close_date
        left join repeats on repeats.issue_id = issues.issue_id
    ),

    overwritten as (
        select issue_id
        from core.issue_dates
        semi join (from core.issues where coalesce(closed_date, reopened_date) is not null) using (issue_id)
        group by issue_id
        having count(*) > 1
    ),

    -- What was closed before the month and never opened again has nothing to say in it.
    pairs as (
        select
            months.* replace (months.is_built and issues.opened_date <= months.as_of_date as is_built),
            issues.*,
            coalesce(issues.due_month = months.period_month, false) as is_due
        from issues
        left join overwritten on overwritten.issue_id = issues.issue_id
        join
            months
            on issues.due_month = months.period_month
            or (
                issues.opened_date <= months.as_of_date
                and (
                    issues.opened_date >= months.start_date
                    or coalesce(issues.closed_date >= months.start_date, true)
                    or issues.reopened_date is not null
                    or overwritten.issue_id is not null
                )
            )
    ),

    known_then as (
        select
            pairs.period_month,
            pairs.issue_id,
            arg_max(dates.closed_date, dates.load_id) filter (dates.closed_date <= pairs.as_of_date) as closed_date,
            arg_max(dates.reopened_date, dates.load_id) filter (
                dates.reopened_date <= pairs.as_of_date
            ) as reopened_date
        from pairs
        join core.issue_dates as dates on dates.issue_id = pairs.issue_id
        semi join overwritten on overwritten.issue_id = pairs.issue_id
        group by pairs.period_month, pairs.issue_id
    ),

    dated as (
        select
            pairs.* exclude (closed_date, reopened_date),
            case
                when known_then.issue_id is not null
                then known_then.closed_date
                when pairs.closed_date <= pairs.as_of_date
                then pairs.closed_date
            end as last_closed_date,
            case
                when known_then.issue_id is not null
                then known_then.reopened_date
                when pairs.reopened_date <= pairs.as_of_date
                then pairs.reopened_date
            end as reopened_date
        from pairs
        left join known_then on known_then.period_month = pairs.period_month and known_then.issue_id = pairs.issue_id
    ),

    states as (
        select
            *,
            -- Opened again on the day it was closed, or later: the closing is no more.
            case
                when reopened_date is null or reopened_date < last_closed_date then last_closed_date
            end as closed_date,
            coalesce(reopened_date >= start_date, false) as is_reopened,
            coalesce(closed_date >= start_date, false) as is_closed,
            closed_date is null as is_open,
            opened_date between start_date and as_of_date as is_opened
        from dated
    )

select
    states.period_month,
    states.as_of_date,
    states.is_built,
    states.issue_id,
    states.account_id,
    states.product_id,
    known(states.dimension) as dimension,
    states.origin,
    states.category,
    states.issue_type,
    states.severity,
    states.affected_quantity,
    states.opened_date,
    states.target_close_date,
    states.closed_date,
    states.reopened_date,
    states.is_opened and states.cost is not null as has_cost,
    case when has_cost then converted(states.cost, rates.rate) end as cost,
    case when has_cost then rate_reason(rates.rate, states.currency) end as cost_reason,
    states.is_opened,
    states.is_closed,
    states.is_due,
    coalesce(states.closed_date <= states.target_close_date, false) as is_closed_in_time,
    states.is_open,
    states.is_open and coalesce(states.target_close_date < states.as_of_date, false) as is_overdue,
    states.is_reopened,
    states.is_opened and states.is_repeat as is_repeated,
    case when states.is_closed then states.closed_date - states.opened_date end as days_to_close,
    case when states.is_open then states.as_of_date - states.opened_date end as age_days
from states
left join core.daily_rates as rates on rates.currency = states.currency and rates.rate_date = states.opened_date
where states.is_due or states.is_open or states.is_opened or states.is_closed or states.is_reopened
