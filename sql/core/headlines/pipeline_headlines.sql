-- fmt: off
-- grain: month looked back on × account, from its first opportunity on × measure
-- why: what may be won of the opportunities open at each month's end, and what was won in the month
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    first_days as (select account_id, min(recorded_on) as first_date from core.opportunities group by account_id),

    found as (
        select
            period_month as looked_month,
            account_id,
            reasoned_sum(amount, amount_reason, is_open) as open_amount,
            reasoned_sum(expected_amount, amount_reason, is_open) as expected_amount,
            reasoned_sum(amount, amount_reason, is_won) as won_amount
        from core.opportunity_months
        group by period_month, account_id
    ),

    amounts as (
        select
            months.looked_month,
            first_days.account_id,
            case when found.account_id is null then 0 else found.open_amount end as open_amount,
            case when found.account_id is null then 0 else found.expected_amount end as expected_amount,
            case when found.account_id is null then 0 else found.won_amount end as won_amount
        from first_days
        join months on months.as_of_date >= first_days.first_date
        left join found on found.looked_month = months.looked_month and found.account_id = first_days.account_id
    )

select looked_month, account_id, 'pipeline.open_amount' as measure, open_amount::decimal(36, 6) as figure
from amounts
union all
select looked_month, account_id, 'pipeline.expected_amount', expected_amount::decimal(36, 6)
from amounts
union all
select looked_month, account_id, 'pipeline.won_amount', won_amount::decimal(36, 6)
from amounts
