-- The average rate of a currency in each month, and the budget rate of its year.
with
    average as (
        select currency, rate_date as month, rate as average_rate
        from {{ ref('stg_fx_rates') }}
        where rate_type = 'average'
    )

select average.currency, average.month, average.average_rate, budget.rate as budget_rate
from average
join {{ ref('stg_fx_rates') }} as budget
    on budget.rate_type = 'budget'
    and budget.currency = average.currency
    and budget.rate_date = date_trunc('year', average.month)
union all
select distinct 'EUR', month, 1::decimal(18, 10), 1::decimal(18, 10)
from average
