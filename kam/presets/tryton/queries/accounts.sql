-- One row a party that has a sale, a customer invoice or an opportunity. The company is the first one; name another in `company`.
-- reads: company_company: id, currency
-- reads: currency_currency: id, code
-- reads: party_party: id, code, name, create_date, write_date
-- reads: party_address: party, active, country, sequence, create_date, write_date
-- reads: country_country: id, code
-- reads: party_party-party_category: id, party, category, create_date, write_date
-- reads: party_category: id, name
-- reads: party_party_payment_term: id, party, customer_payment_term, create_date, write_date
-- reads: account_invoice_payment_term_line: id, payment, sequence
-- reads: account_invoice_payment_term_line_delta: line, days, weeks, months
-- reads: party_party_credit_limit_amount: id, party, company, credit_limit_amount, create_date, write_date
-- reads: account_configuration_default_credit_limit_amount: id, company, default_credit_limit_amount, create_date, write_date
-- reads: sale_sale: party, company, create_date
-- reads: account_invoice: party, company, type, create_date
-- reads: sale_opportunity: party, company, create_date
with
    company as (select id, currency from company_company order by id limit 1),
    -- A party becomes a customer with its first document, and its own row does not change then.
    customer as (
        select party, min(create_date) as since
        from (
            select party, create_date from sale_sale join company on company.id = sale_sale.company
            union all
            select party, create_date from account_invoice join company on company.id = account_invoice.company where type = 'out'
            union all
            select party, create_date from sale_opportunity join company on company.id = sale_opportunity.company
        ) as document
        group by party
    ),
    -- The days of the last part of a term: what an invoice gets that names no due date. Tryton's own always name one.
    term as (
        select distinct on (line.payment)
            line.payment as id,
            (
                select coalesce(sum(coalesce(days, 0) + 7 * coalesce(weeks, 0) + 30 * coalesce(months, 0)), 0)
                from account_invoice_payment_term_line_delta
                where line = line_id
            ) as days
        from (select id as line_id, payment, sequence from account_invoice_payment_term_line) as line
        order by line.payment, line.sequence desc nulls last, line.line_id desc
    )
select
    party.code as account_id,
    party.name as account_name,
    category.name as segment,
    address.code as country,
    currency.code as currency,
    term.days as payment_terms_days,
    -- As Tryton does: the default only for a party that was never given a limit, also none.
    case when credit.id is null then usual.default_credit_limit_amount else credit.credit_limit_amount end as credit_limit,
    greatest(
        party.create_date, party.write_date, customer.since, address.changed_at, category.changed_at,
        payment.create_date, payment.write_date, credit.create_date, credit.write_date, usual.changed_at
    ) as changed_at
from customer
join party_party as party on party.id = customer.party
cross join company
join currency_currency as currency on currency.id = company.currency
left join lateral (
    select country_country.code, coalesce(party_address.write_date, party_address.create_date) as changed_at
    from party_address
    left join country_country on country_country.id = party_address.country
    where party_address.party = party.id and party_address.active
    order by party_address.sequence nulls last
    limit 1
) as address on true
left join lateral (
    select party_category.name, coalesce(link.write_date, link.create_date) as changed_at
    from "party_party-party_category" as link
    join party_category on party_category.id = link.category
    where link.party = party.id
    order by link.id
    limit 1
) as category on true
left join lateral (
    select term.customer_payment_term, term.create_date, term.write_date
    from party_party_payment_term as term
    where term.party = party.id
    order by term.id
    limit 1
) as payment on true
left join term on term.id = payment.customer_payment_term
left join lateral (
    select amount.id, amount.credit_limit_amount, amount.create_date, amount.write_date
    from party_party_credit_limit_amount as amount
    where amount.party = party.id and (amount.company = company.id or amount.company is null)
    order by amount.company is null, amount.id
    limit 1
) as credit on true
left join lateral (
    select amount.default_credit_limit_amount, greatest(amount.create_date, amount.write_date) as changed_at
    from account_configuration_default_credit_limit_amount as amount
    where credit.id is null and (amount.company = company.id or amount.company is null)
    order by amount.company is null, amount.id
    limit 1
) as usual on true
where
    greatest(
        party.create_date, party.write_date, customer.since, address.changed_at, category.changed_at,
        payment.create_date, payment.write_date, credit.create_date, credit.write_date, usual.changed_at
    ) > :watermark
