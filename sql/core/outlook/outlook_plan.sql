-- fmt: off
-- grain: month built × plan version by account × account × part, of a plan by part × business month of the fiscal year and the two after
-- why: what is planned for the year as far as it goes on, and for the next two. A month to come has the plan's own rate, else the
--   latest one at the end of the month built: later ones are not known then
-- columns:
--   period_month   DATE
--   plan_version   VARCHAR
--   account_id     VARCHAR
--   product_id     VARCHAR
--   target_month   DATE
--   years_ahead    INTEGER
--   is_to_come     BOOLEAN
--   quantity       DECIMAL(38,4)
--   amount         DECIMAL(38,8)
--   amount_reason  VARCHAR
-- fmt: on
with
    planned as (
        select
            lines.plan_version,
            lines.period_month as target_month,
            lines.item.account_id as account_id,
            lines.item.product_id as product_id,
            lines.currency,
            lines.fx_rate,
            sum(lines.quantity) as quantity,
            sum(lines.amount_doc) as amount_doc
        from core.plan_lines as lines
        where lines.item.account_id is not null
        group by all
    ),

    valued as (
        select
            periods.period_month,
            planned.plan_version,
            planned.account_id,
            planned.product_id,
            planned.target_month,
            months.fiscal_year - periods.fiscal_year as years_ahead,
            months.month_index > periods.month_index as is_to_come,
            planned.quantity,
            planned.currency,
            coalesce(
                planned.fx_rate,
                rates.given_rate,
                case when months.month_index > periods.month_index then latest.closing_rate else rates.average_rate end
            ) as rate,
            at_rate(planned.amount_doc, rate) as amount
        from planned
        join core.months as months on months.period_month = planned.target_month
        join
            build.periods as periods
            on months.fiscal_year >= periods.fiscal_year
            and months.fiscal_year <= periods.fiscal_year + 2
        left join
            core.plan_rates as rates
            on rates.plan_version = planned.plan_version
            and rates.period_month = planned.target_month
            and rates.currency = planned.currency
        left join
            core.month_rates as latest
            on latest.period_month = periods.period_month
            and latest.currency = planned.currency
    )

select
    period_month,
    plan_version,
    account_id,
    product_id,
    target_month,
    years_ahead,
    is_to_come,
    sum(quantity)::decimal(38, 4) as quantity,
    complete_sum(amount, true)::decimal(38, 8) as amount,
    coalesce(
        no_rate(min(currency) filter (rate is null)),
        case when count(amount) < count(*) then 'an amount planned is 10²⁷ or more' end
    ) as amount_reason
from valued
group by period_month, plan_version, account_id, product_id, target_month, years_ahead, is_to_come
