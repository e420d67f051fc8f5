-- Validated orders with all lines. Drafts do not count. A cancelled order (-1), or one that is a draft again, comes with its lines as cancelled.
-- Left out: titles and subtotals (special_code, product_type 9), and lines that lessen the order (their amounts are in the invoices).
-- reads: llx_commande: rowid, ref, entity, fk_soc, date_commande, date_livraison, fk_statut, multicurrency_code, tms
-- reads: llx_commandedet: rowid, fk_commande, fk_product, product_type, special_code, qty, total_ht, multicurrency_total_ht
-- reads: llx_product: rowid, ref
-- reads: llx_const: name, value
with
    main as (select coalesce(max(value), 'EUR') as currency from llx_const where name = 'MAIN_MONNAIE')

select
    document.ref as order_id,
    line.rowid as line_no,
    cast(document.fk_soc as char) as account_id,
    product.ref as product_id,
    document.date_commande as order_date,
    -- Services (1) are not shipped.
    case when line.product_type = 0 then date(document.date_livraison) end as promised_date,
    round(line.qty, 4) as quantity,
    round(
        case
            when coalesce(nullif(document.multicurrency_code, ''), main.currency) <> main.currency
            then line.multicurrency_total_ht
            else line.total_ht
        end / nullif(line.qty, 0),
        8
    ) as unit_price,
    coalesce(nullif(document.multicurrency_code, ''), main.currency) as currency,
    case document.fk_statut when 1 then 'open' when 2 then 'open' when 3 then 'closed' else 'cancelled' end as status,
    document.tms as changed_at
from llx_commande as document
cross join main
join llx_commandedet as line on line.fk_commande = document.rowid
left join llx_product as product on product.rowid = line.fk_product
where
    document.entity = 1
    -- The number of a draft that was never validated.
    and document.ref not like '(PROV%'
    and line.product_type in (0, 1)
    and coalesce(line.special_code, 0) in (0, 3)
    and line.qty >= 0
    and line.total_ht >= 0
    and document.tms > :watermark
order by document.rowid, line.rowid
