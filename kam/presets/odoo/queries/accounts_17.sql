-- As accounts.sql, for Odoo 17: ir_property holds credit limits and payment terms by company. A default of the company is not read.
-- reads: res_company: id, currency_id
-- reads: res_partner: id, name, commercial_partner_id, parent_id, user_id, industry_id, country_id, state_id, customer_rank
-- reads: res_partner_industry: id, name
-- reads: res_country: id, code
-- reads: res_country_state: id, name
-- reads: res_currency: id, name
-- reads: res_users: id, partner_id
-- reads: account_payment_term_line: payment_id, nb_days
-- reads: sale_order: company_id, partner_id
-- reads: ir_property: name, company_id, res_id, value_float, value_reference
with
    company as (select min(id) as id from res_company)

select
    partner.id::text as account_id,
    partner.name as account_name,
    nullif(parent.commercial_partner_id, partner.id)::text as parent_account_id,
    manager.name as account_manager,
    industry.name ->> 'en_US' as industry,
    state.name as region,
    country.code as country,
    currency.name as currency,
    (
        select max(term.nb_days) from account_payment_term_line as term
        where term.payment_id = split_part(terms.value_reference, ',', 2)::integer
    ) as payment_terms_days,
    nullif(credit.value_float::numeric, 0) as credit_limit
from res_partner as partner
cross join company
join res_company as own on own.id = company.id
join res_currency as currency on currency.id = own.currency_id
left join res_partner as parent on parent.id = partner.parent_id
left join res_users as salesperson on salesperson.id = partner.user_id
left join res_partner as manager on manager.id = salesperson.partner_id
left join res_partner_industry as industry on industry.id = partner.industry_id
left join res_country as country on country.id = partner.country_id
left join res_country_state as state on state.id = partner.state_id
left join ir_property as credit
    on credit.name = 'credit_limit' and credit.res_id = 'res.partner,' || partner.id and credit.company_id = company.id
left join ir_property as terms
    on terms.name = 'property_payment_term_id' and terms.res_id = 'res.partner,' || partner.id
    and terms.company_id = company.id and terms.value_reference like 'account.payment.term,%'
where
    partner.commercial_partner_id = partner.id
    and (
        partner.customer_rank > 0
        or exists (
            select from sale_order
            join res_partner as buyer on buyer.id = sale_order.partner_id
            where buyer.commercial_partner_id = partner.id and sale_order.company_id = company.id
        )
    )
order by partner.id
