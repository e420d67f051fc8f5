-- fmt: off
-- grain: month looked back on × account × measure, from the account's first quotation on
-- why: what an account's decisions say: the share won in the month and in the twelve months to its end, and what was lost. Fewer than six
--   decisions in twelve months say nothing about a share
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, month_index from core.looked_months),

    decided as (
        select
            calendar.month_index,
            quotations.account_id,
            count_if(quotations.is_won) as won,
            count_if(quotations.is_lost) as lost,
            reasoned_sum(quotations.amount, quotations.amount_reason, quotations.is_lost) as lost_amount
        from core.quotation_months as quotations
        join core.months as calendar on calendar.period_month = quotations.period_month
        group by calendar.month_index, quotations.account_id
    ),

    looked as (
        select
            months.looked_month,
            decided.account_id,
            coalesce(sum(decided.won) filter (decided.month_index = months.month_index), 0) as won,
            coalesce(sum(decided.lost) filter (decided.month_index = months.month_index), 0) as lost,
            complete_sum(decided.lost_amount, decided.month_index = months.month_index) as lost_amount,
            sum(decided.won) as rolling_won,
            sum(decided.won + decided.lost) as rolling_decided
        from months
        join decided on decided.month_index between months.month_index - 11 and months.month_index
        group by months.looked_month, decided.account_id
    )

select
    looked_month,
    account_id,
    'quotation_performance.hit_ratio' as measure,
    shown_ratio(ratio(won, won + lost))::decimal(36, 6) as figure
from looked
union all by name
select
    looked_month,
    account_id,
    'quotation_performance.rolling_12_hit_ratio' as measure,
    case when rolling_decided >= 6 then shown_ratio(ratio(rolling_won, rolling_decided)) end::decimal(36, 6) as figure
from looked
union all by name
select looked_month, account_id, 'quotation_performance.lost_amount' as measure, lost_amount::decimal(36, 6) as figure
from looked
