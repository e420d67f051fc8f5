-- Customers: partners that are companies or persons of their own, with at least one order or journal item. Read whole at each run.
-- Odoo 18 and later keep credit_limit and property_payment_term_id by company, in columns of the type jsonb; elsewhere they are empty here.
-- reads: res_company: id, currency_id
-- reads: res_partner: id, name, commercial_partner_id, parent_id, user_id, industry_id, country_id, state_id, customer_rank
-- reads: res_partner_industry: id, name
-- reads: res_country: id, code
-- reads: res_country_state: id, name
-- reads: res_currency: id, name
-- reads: res_users: id, partner_id
-- reads: account_payment_term_line: payment_id, nb_days
-- reads: sale_order: company_id, partner_id
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
        where term.payment_id = (to_jsonb(partner) -> 'property_payment_term_id' ->> company.id::text)::integer
    ) as payment_terms_days,
    nullif((to_jsonb(partner) -> 'credit_limit' ->> company.id::text)::numeric, 0) as credit_limit
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
