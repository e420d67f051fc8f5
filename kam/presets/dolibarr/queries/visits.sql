-- Meetings (AC_RDV) with third parties. One that is done (100 %) was held.
-- reads: llx_actioncomm: id, code, fk_soc, datep, datep2, percent, fk_user_action, entity, tms
-- reads: llx_user: rowid, firstname, lastname
select
    cast(event.id as char) as visit_id,
    cast(event.fk_soc as char) as account_id,
    'sales' as visit_type,
    date(event.datep) as planned_date,
    case when event.percent = 100 then date(event.datep) end as visit_date,
    nullif(trim(concat(coalesce(visitor.firstname, ''), ' ', coalesce(visitor.lastname, ''))), '') as account_manager,
    round(timestampdiff(minute, event.datep, event.datep2) / 60, 2) as duration_hours,
    event.tms as changed_at
from llx_actioncomm as event
left join llx_user as visitor on visitor.rowid = event.fk_user_action
where event.entity = 1 and event.code = 'AC_RDV' and event.fk_soc > 0 and event.datep is not null and event.tms > :watermark
order by event.id
