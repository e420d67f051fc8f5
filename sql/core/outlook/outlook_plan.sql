-- fmt: off
-- grain: month built × plan version by account × account × business month of the fiscal year and the two after
-- why: what is planned for the year as far as it goes on, and for the next two
-- lines: core.sales_plan by plan_version, account_id where date_trunc('month', coalesce(line.month, line.week)) = figure.target_month
-- columns:
--   period_month   DATE
--   plan_version   VARCHAR
--   account_id     VARCHAR
--   target_month   DATE
--   years_ahead    INTEGER
--   is_to_come     BOOLEAN
--   amount         DECIMAL(38,8)
--   amount_reason  VARCHAR
-- fmt: on
with
    -- Added up first: a plan has many rows, and each is looked at from many months.
    planned as (
        select
            plan_version,
            period_month as target_month,
            item.account_id as account_id,
            currency,
            fx_rate,
            sum(amount_doc)::decimal(38, 8) as amount_doc
        from core.plan_lines
        where item.account_id is not null
        group by all
    ),

    valued as (
        select
            targets.period_month,
            planned.plan_version,
            planned.account_id,
            planned.target_month,
            targets.years_ahead,
            targets.is_to_come,
            planned.currency,
            coalesce(planned.fx_rate, rates.rate) as rate,
            at_rate(planned.amount_doc, rate) as amount
        from planned
        -- A currency that has no rate at all is not in there.
        join
            (
                select distinct period_month, plan_version, target_month, years_ahead, is_to_come
                from core.outlook_rates
            ) as targets
            on targets.plan_version = planned.plan_version
            and targets.target_month = planned.target_month
        left join
            core.outlook_rates as rates
            on rates.period_month = targets.period_month
            and rates.plan_version = planned.plan_version
            and rates.target_month = planned.target_month
            and rates.currency = planned.currency
    )

select
    period_month,
    plan_version,
    account_id,
    target_month,
    years_ahead,
    is_to_come,
    complete_sum(amount, true)::decimal(38, 8) as amount,
    coalesce(
        no_rate(min(currency) filter (rate is null)),
        case when count(amount) < count(*) then 'an amount planned is 10²⁷ or more' end
    ) as amount_reason
from valued
group by period_month, plan_version, account_id, target_month, years_ahead, is_to_come
