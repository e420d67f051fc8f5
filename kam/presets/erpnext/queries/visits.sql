-- Submitted maintenance visits, as technical visits. A cancelled one is only planned.
-- reads: tabCompany: name, creation
-- reads: tabMaintenance Visit: name, docstatus, company, customer, mntc_date, modified
with
    company as (select name from `tabCompany` order by creation, name limit 1)

select
    visit.name as visit_id,
    visit.customer as account_id,
    'technical' as visit_type,
    visit.mntc_date as planned_date,
    case when visit.docstatus = 1 then visit.mntc_date end as visit_date,
    visit.modified as changed_at
from `tabMaintenance Visit` as visit
join company on company.name = visit.company
where visit.docstatus in (1, 2) and visit.modified > :watermark
order by visit.name
