-- Validated (1) and closed (2) shipments against orders. A cancelled one, or one that is a draft again, comes with quantity 0.
-- reads: llx_expedition: rowid, ref, entity, date_expedition, date_delivery, date_valid, fk_statut, tms
-- reads: llx_expeditiondet: rowid, fk_expedition, fk_elementdet, qty
-- reads: llx_commandedet: rowid, fk_commande
-- reads: llx_commande: rowid, ref
select
    document.ref as delivery_id,
    line.rowid as line_no,
    orders.ref as order_id,
    ordered.rowid as order_line_no,
    date(coalesce(document.date_expedition, document.date_delivery, document.date_valid)) as delivered_date,
    case when document.fk_statut in (1, 2) then round(line.qty, 4) else 0 end as quantity,
    document.tms as changed_at
from llx_expedition as document
join llx_expeditiondet as line on line.fk_expedition = document.rowid
join llx_commandedet as ordered on ordered.rowid = line.fk_elementdet
join llx_commande as orders on orders.rowid = ordered.fk_commande
where
    document.entity = 1 and document.ref not like '(PROV%' and line.qty >= 0 and document.tms > :watermark
order by document.rowid, line.rowid
