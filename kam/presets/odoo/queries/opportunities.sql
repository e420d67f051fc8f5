-- Opportunities of known customers as they stand, with the day of their last change. Leads, and opportunities without a customer, are left out.
-- reads: res_company: id, currency_id
-- reads: res_currency: id, name
-- reads: res_partner: id, name, commercial_partner_id
-- reads: res_users: id, partner_id
-- reads: crm_stage: id, name, is_won
-- reads: crm_lead: id, type, active, company_id, partner_id, user_id, stage_id, expected_revenue, probability, date_deadline, date_closed, write_date
with
    company as (select min(id) as id from res_company)

select
    lead.id::text as opportunity_id,
    lead.write_date at time zone 'UTC' as recorded_on,
    partner.commercial_partner_id::text as account_id,
    stage.name ->> 'en_US' as stage,
    coalesce(lead.expected_revenue, 0) as value,
    currency.name as currency,
    round(lead.probability::numeric / 100, 4) as success_probability,
    lead.date_deadline as expected_close,
    case
        when stage.is_won then 'won'
        when not lead.active and coalesce(lead.probability, 0) = 0 then 'lost'
    end as outcome,
    case
        when stage.is_won or not lead.active and coalesce(lead.probability, 0) = 0
        then coalesce(lead.date_closed, lead.write_date) at time zone 'UTC'
    end as closed_on,
    manager.name as account_manager,
    lead.write_date as changed_at
from crm_lead as lead
cross join company
join res_company as own on own.id = company.id
join res_currency as currency on currency.id = own.currency_id
join res_partner as partner on partner.id = lead.partner_id
left join crm_stage as stage on stage.id = lead.stage_id
left join res_users as salesperson on salesperson.id = lead.user_id
left join res_partner as manager on manager.id = salesperson.partner_id
where
    lead.type = 'opportunity'
    and (lead.company_id = company.id or lead.company_id is null)
    and lead.write_date > :watermark
order by lead.id
