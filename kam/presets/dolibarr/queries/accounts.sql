-- Third parties that are customers (1) or customers and prospects (3), or have an invoice. Read whole at each run.
-- reads: llx_societe: rowid, nom, parent, client, fk_pays, fk_departement, outstanding_limit, cond_reglement, entity
-- reads: llx_c_country: rowid, code
-- reads: llx_c_departements: rowid, nom
-- reads: llx_c_payment_term: rowid, nbjour
-- reads: llx_facture: fk_soc
select
    cast(customer.rowid as char) as account_id,
    customer.nom as account_name,
    cast(customer.parent as char) as parent_account_id,
    state.nom as region,
    country.code as country,
    term.nbjour as payment_terms_days,
    nullif(round(customer.outstanding_limit, 4), 0) as credit_limit
from llx_societe as customer
left join llx_c_country as country on country.rowid = customer.fk_pays
left join llx_c_departements as state on state.rowid = customer.fk_departement
left join llx_c_payment_term as term on term.rowid = customer.cond_reglement
where
    customer.entity = 1
    and (customer.client in (1, 3) or exists (select 1 from llx_facture where llx_facture.fk_soc = customer.rowid))
order by customer.rowid
