-- Opportunities of customers as they stand, with the day of their last change. Those of leads and prospects are left out.
-- reads: tabCompany: name, creation
-- reads: tabOpportunity: name, company, opportunity_from, party_name, status, sales_stage, opportunity_amount, currency, probability, expected_closing, opportunity_owner, modified
-- reads: tabUser: name, full_name
with
    company as (select name from `tabCompany` order by creation, name limit 1)

select
    opportunity.name as opportunity_id,
    date(opportunity.modified) as recorded_on,
    opportunity.party_name as account_id,
    opportunity.sales_stage as stage,
    round(coalesce(opportunity.opportunity_amount, 0), 4) as value,
    opportunity.currency,
    round(opportunity.probability / 100, 4) as success_probability,
    opportunity.expected_closing as expected_close,
    case opportunity.status when 'Converted' then 'won' when 'Lost' then 'lost' end as outcome,
    case when opportunity.status in ('Converted', 'Lost') then date(opportunity.modified) end as closed_on,
    coalesce(owner.full_name, opportunity.opportunity_owner) as account_manager,
    opportunity.modified as changed_at
from `tabOpportunity` as opportunity
join company on company.name = opportunity.company
left join `tabUser` as owner on owner.name = opportunity.opportunity_owner
where opportunity.opportunity_from = 'Customer' and opportunity.modified > :watermark
order by opportunity.name
