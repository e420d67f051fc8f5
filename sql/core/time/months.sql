-- fmt: off
-- grain: business month
-- why: the calendar every date is mapped through, so that a 4-4-5 calendar works like calendar months
-- columns:
--   period_month             DATE
--   start_date               DATE
--   as_of_date               DATE
--   fiscal_year              INTEGER
--   fiscal_quarter           INTEGER
--   fiscal_year_first_month  DATE
--   month_index              INTEGER
-- fmt: on
with
    bounds as (
        select
            date_trunc('month', first_date) - interval 36 month as first_month,
            date_trunc('month', last_date) + interval 13 month as last_month
        from build.data_range
    ),

    spine as (
        select unnest(generate_series(first_month, last_month, interval 1 month))::date as period_month from bounds
    ),

    fiscal as (
        select
            spine.period_month,
            coalesce(calendar.start_date, spine.period_month) as start_date,
            coalesce(calendar.end_date, last_day(spine.period_month)) as as_of_date,
            coalesce(
                calendar.fiscal_year,
                year(spine.period_month) + (
                    month(spine.period_month) >= settings.fiscal_year_start_month
                    and settings.fiscal_year_start_month > 1
                )::int
            ) as fiscal_year,
            coalesce(
                calendar.fiscal_quarter,
                divide((month(spine.period_month) - settings.fiscal_year_start_month + 12) % 12, 3) + 1
            ) as fiscal_quarter,
            year(spine.period_month) * 12 + month(spine.period_month) as month_index
        from spine
        cross join build.settings as settings
        left join core.calendar as calendar on calendar.period_month = spine.period_month
    )

select
    period_month,
    start_date,
    as_of_date,
    fiscal_year::integer as fiscal_year,
    fiscal_quarter::integer as fiscal_quarter,
    min(period_month) over (partition by fiscal_year) as fiscal_year_first_month,
    month_index::integer as month_index
from fiscal
order by period_month
