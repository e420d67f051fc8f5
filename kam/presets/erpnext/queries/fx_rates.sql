-- Rates into the currency of the company. Of rates for buying and for selling on one day, the one for selling.
-- reads: tabCompany: name, creation, default_currency
-- reads: tabCurrency Exchange: name, date, from_currency, to_currency, exchange_rate, for_selling, modified
with
    company as (select name, default_currency from `tabCompany` order by creation, name limit 1),

    rates as (
        select
            rate.*,
            row_number() over (partition by rate.from_currency, rate.date order by rate.for_selling desc, rate.name desc) as place
        from `tabCurrency Exchange` as rate
        join company on company.default_currency = rate.to_currency
        where rate.exchange_rate > 0
    )

select from_currency as currency, date as rate_date, exchange_rate as rate, modified as changed_at
from rates
where place = 1 and modified > :watermark
order by currency, rate_date
