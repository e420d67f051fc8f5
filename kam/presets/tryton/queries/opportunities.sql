-- One row a day on which an opportunity changed, from Tryton's history of it. The first is of its start date, that of the decision of its end
-- date. Tryton's states are the stages; won and lost are outcomes, and a cancelled one is lost.
-- reads: company_company: id
-- reads: currency_currency: id, code
-- reads: party_party: id, code, name
-- reads: company_employee: id, party
-- reads: sale_opportunity: id, number, company
-- reads: sale_opportunity__history: id, __id, party, currency, amount, conversion_probability, employee, state, start_date, end_date, create_date, write_date
with
    company as (select id from company_company order by id limit 1),
    version as (
        select
            history.id,
            history.__id,
            history.party,
            history.currency,
            history.amount,
            history.conversion_probability,
            history.employee,
            history.state,
            history.start_date,
            history.end_date,
            history.create_date,
            history.write_date,
            opportunity.number as opportunity_number,
            row_number() over (partition by history.id order by history.__id) as position,
            history.state in ('won', 'lost', 'cancelled') as is_decided,
            max(greatest(history.create_date, history.write_date)) over (partition by history.id) as changed_at,
            max(history.end_date) filter (where history.state in ('won', 'lost', 'cancelled')) over (partition by history.id) as decided
        from sale_opportunity__history as history
        join sale_opportunity as opportunity on opportunity.id = history.id
        join company on company.id = opportunity.company
        where history.party is not null
    ),
    dated as (
        select
            *,
            case
                when is_decided then end_date
                when position = 1 then start_date
                else least(greatest(start_date, coalesce(write_date, create_date)::date), decided)
            end as recorded_on
        from version
    )
select distinct on (dated.id, dated.recorded_on)
    dated.opportunity_number || '#' || dated.id as opportunity_id,
    dated.recorded_on,
    party.code as account_id,
    dated.state as stage,
    coalesce(dated.amount, 0) as value,
    currency.code as currency,
    dated.conversion_probability::numeric as success_probability,
    case when not dated.is_decided then dated.end_date end as expected_close,
    case dated.state when 'won' then 'won' when 'lost' then 'lost' when 'cancelled' then 'lost' end as outcome,
    case when dated.is_decided then dated.end_date end as closed_on,
    manager.name as account_manager,
    dated.changed_at
from dated
join party_party as party on party.id = dated.party
join currency_currency as currency on currency.id = dated.currency
left join company_employee as employee on employee.id = dated.employee
left join party_party as manager on manager.id = employee.party
where dated.changed_at > :watermark
order by dated.id, dated.recorded_on, dated.__id desc
