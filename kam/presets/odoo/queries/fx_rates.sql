-- Odoo stores units of a currency for one unit of a base; the company's own currency may have a rate too.
-- reads: res_company: id, currency_id
-- reads: res_currency: id, name
-- reads: res_currency_rate: name, rate, currency_id, company_id, write_date
with
    company as (select min(id) as id from res_company)

select
    currency.name as currency,
    rate.name as rate_date,
    coalesce(
        (
            select base.rate from res_currency_rate as base
            where
                base.currency_id = own.currency_id and base.name <= rate.name
                and (base.company_id = own.id or base.company_id is null)
            order by base.company_id nulls last, base.name desc
            limit 1
        ),
        1
    ) / rate.rate as rate,
    rate.write_date as changed_at
from res_currency_rate as rate
cross join company
join res_company as own on own.id = company.id
join res_currency as currency on currency.id = rate.currency_id
where
    rate.currency_id <> own.currency_id
    and rate.rate > 0
    and (
        rate.company_id = own.id
        -- A rate of the company goes before one of all companies on the same day.
        or rate.company_id is null and not exists (
            select from res_currency_rate as nearer
            where nearer.currency_id = rate.currency_id and nearer.name = rate.name and nearer.company_id = own.id
        )
    )
    and rate.write_date > :watermark
order by currency.name, rate.name
