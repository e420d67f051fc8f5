-- fmt: off
-- grain: row of the plan × business month that its week or month touches
-- why: a plan by weeks in months. A week goes to them by its days from Monday to Friday, or by all seven; holidays are not known.
--   Each month gets what its days have brought so far, less what the months before got: so the last one takes the remainder
-- columns:
--   plan_version     VARCHAR
--   month            DATE
--   account_id       VARCHAR
--   product_id       VARCHAR
--   product_line     VARCHAR
--   account_manager  VARCHAR
--   region           VARCHAR
--   quantity         DECIMAL(18,4)
--   unit_price       DECIMAL(24,10)
--   amount           DECIMAL(18,4)
--   currency         VARCHAR
--   fx_rate          DECIMAL(18,10)
--   submitted_at     TIMESTAMP
-- fmt: on
with
    weeks as (select distinct week from core.sales_plan where week is not null),

    shares as (
        select weeks.week, days.period_month, count(*) as day_count
        from weeks
        cross join build.settings as settings
        join
            core.days as days
            on days.calendar_date >= weeks.week
            and days.calendar_date < weeks.week + settings.week_split_days
        group by weeks.week, days.period_month
    ),

    parts as (
        select
            week,
            period_month,
            sum(day_count) over (partition by week order by period_month) as days_so_far,
            days_so_far - day_count as days_before,
            sum(day_count) over (partition by week) as all_days
        from shares
    )

select
    plan_version,
    month,
    account_id,
    product_id,
    product_line,
    account_manager,
    region,
    quantity,
    unit_price,
    amount,
    currency,
    fx_rate,
    submitted_at
from core.sales_plan
where week is null
union all
select
    plan.plan_version,
    parts.period_month,
    plan.account_id,
    plan.product_id,
    plan.product_line,
    plan.account_manager,
    plan.region,
    (
        part_of(plan.quantity, parts.days_so_far, parts.all_days, 10000, 0.0001)
        - part_of(plan.quantity, parts.days_before, parts.all_days, 10000, 0.0001)
    )::decimal(18, 4),
    plan.unit_price,
    (
        part_of(plan.amount, parts.days_so_far, parts.all_days, 100, 0.01)
        - part_of(plan.amount, parts.days_before, parts.all_days, 100, 0.01)
    )::decimal(18, 4),
    plan.currency,
    plan.fx_rate,
    plan.submitted_at
from core.sales_plan as plan
join parts on parts.week = plan.week
