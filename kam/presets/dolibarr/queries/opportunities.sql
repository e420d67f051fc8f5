-- Leads (projects with an opportunity status) of third parties as they stand, with the day of their last change.
-- reads: llx_projet: rowid, ref, entity, fk_soc, fk_opp_status, opp_amount, opp_percent, datee, date_close, tms
-- reads: llx_c_lead_status: rowid, code, label
select
    project.ref as opportunity_id,
    date(project.tms) as recorded_on,
    cast(project.fk_soc as char) as account_id,
    status.label as stage,
    round(coalesce(project.opp_amount, 0), 4) as value,
    round(project.opp_percent / 100, 4) as success_probability,
    project.datee as expected_close,
    case status.code when 'WON' then 'won' when 'LOST' then 'lost' end as outcome,
    case when status.code in ('WON', 'LOST') then date(coalesce(project.date_close, project.tms)) end as closed_on,
    project.tms as changed_at
from llx_projet as project
join llx_c_lead_status as status on status.rowid = project.fk_opp_status
where project.entity = 1 and project.fk_soc > 0 and project.tms > :watermark
order by project.rowid
