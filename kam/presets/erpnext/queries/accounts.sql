-- Customers with the credit limit of the company. Read whole at each run.
-- reads: tabCompany: name, creation, default_currency
-- reads: tabCustomer: name, customer_name, account_manager, customer_group, industry, territory, customer_type, payment_terms
-- reads: tabCustomer Credit Limit: parent, company, credit_limit
-- reads: tabPayment Terms Template Detail: parent, credit_days
-- reads: tabUser: name, full_name
with
    company as (select name, default_currency from `tabCompany` order by creation, name limit 1)

select
    customer.name as account_id,
    customer.customer_name as account_name,
    coalesce(manager.full_name, customer.account_manager) as account_manager,
    customer.customer_group as segment,
    customer.industry,
    customer.territory as region,
    customer.customer_type as account_type,
    company.default_currency as currency,
    (
        select max(term.credit_days) from `tabPayment Terms Template Detail` as term
        where term.parent = customer.payment_terms
    ) as payment_terms_days,
    nullif(credit.credit_limit, 0) as credit_limit
from `tabCustomer` as customer
cross join company
left join `tabCustomer Credit Limit` as credit on credit.parent = customer.name and credit.company = company.name
left join `tabUser` as manager on manager.name = customer.account_manager
order by customer.name
