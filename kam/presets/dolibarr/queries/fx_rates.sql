-- Dolibarr stores units of a currency for one unit of the main currency. Of several rates of a day the last one. Read whole at each run.
-- reads: llx_multicurrency: rowid, code, entity
-- reads: llx_multicurrency_rate: rowid, date_sync, rate, fk_multicurrency
-- reads: llx_const: name, value
with
    rates as (
        select
            currency.code,
            date(rate.date_sync) as rate_date,
            rate.rate,
            row_number() over (partition by currency.code, date(rate.date_sync) order by rate.date_sync desc, rate.rowid desc) as place
        from llx_multicurrency_rate as rate
        join llx_multicurrency as currency on currency.rowid = rate.fk_multicurrency
        where currency.entity = 1 and rate.rate > 0
    )

select code as currency, rate_date, round(1 / rate, 10) as rate
from rates
where place = 1 and code <> coalesce((select max(value) from llx_const where name = 'MAIN_MONNAIE'), 'EUR')
order by code, rate_date
