-- One row a currency and day on which its rate, or that of the company's currency, changed. Tryton keeps how much of a currency one unit
-- buys; the ratio of two of them is the rate. A rate that is deleted in Tryton stays here: set it right instead.
-- reads: company_company: id, currency
-- reads: currency_currency: id, code
-- reads: currency_currency_rate: currency, date, rate, create_date, write_date
with
    company as (select id, currency from company_company order by id limit 1),
    day as (
        -- A first rate is often of the year 1.
        select foreign_currency.id as currency, foreign_currency.code, greatest(rate.date, date '1990-01-01') as date
        from currency_currency as foreign_currency
        cross join company
        join currency_currency_rate as rate on rate.currency in (foreign_currency.id, company.currency)
        where foreign_currency.id <> company.currency
        group by 1, 2, 3
    ),
    fx as (
        select
            day.code as currency,
            day.date as rate_date,
            (coalesce(own.rate, 1) / theirs.rate)::numeric(18, 10) as rate,
            greatest(own.changed_at, theirs.changed_at) as changed_at
        from day
        cross join company
        join lateral (
            select rate, greatest(create_date, write_date) as changed_at
            from currency_currency_rate
            where currency = day.currency and date <= day.date
            order by date desc
            limit 1
        ) as theirs on true
        left join lateral (
            select rate, greatest(create_date, write_date) as changed_at
            from currency_currency_rate
            where currency = company.currency and date <= day.date
            order by date desc
            limit 1
        ) as own on true
        where theirs.rate <> 0
    )
select * from fx where changed_at > :watermark
