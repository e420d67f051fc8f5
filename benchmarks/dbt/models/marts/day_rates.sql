-- The spot rate of a currency on each day, one for the reporting currency.
select currency, rate_date, rate
from {{ ref('stg_fx_rates') }}
where rate_type = 'spot'
union all
select distinct 'EUR', rate_date, 1::decimal(18, 10)
from {{ ref('stg_fx_rates') }}
where rate_type = 'spot'
