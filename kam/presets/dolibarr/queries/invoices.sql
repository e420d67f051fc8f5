-- Validated invoices (types 0 standard, 1 replacement, 3 deposit, 5 situation) and credit notes (2) with all lines. Drafts do not count. One that is a draft again, or was
-- replaced by another one, comes with one line of amount 0. Line 0 holds what the total has beyond the lines, such as a revenue stamp.
-- reads: llx_facture: rowid, ref, entity, type, fk_soc, datef, date_lim_reglement, fk_statut, close_code, total_ttc, multicurrency_total_ttc, multicurrency_code, fk_facture_source, tms
-- reads: llx_facturedet: rowid, fk_facture, fk_product, product_type, qty, total_ht, total_ttc, multicurrency_total_ht, multicurrency_total_ttc
-- reads: llx_product: rowid, ref
-- reads: llx_const: name, value
-- reads: llx_societe_remise_except: fk_facture, fk_facture_source
with
    main as (select coalesce(max(value), 'EUR') as currency from llx_const where name = 'MAIN_MONNAIE'),

    documents as (
        select
            invoice.rowid,
            invoice.ref,
            invoice.fk_soc,
            invoice.datef,
            invoice.date_lim_reglement,
            invoice.fk_facture_source,
            invoice.tms,
            coalesce(nullif(invoice.multicurrency_code, ''), main.currency) as currency,
            coalesce(nullif(invoice.multicurrency_code, ''), main.currency) <> main.currency as is_foreign,
            -- Credit notes have negative amounts.
            case when invoice.type = 2 then -1 else 1 end as sign,
            case
                when coalesce(nullif(invoice.multicurrency_code, ''), main.currency) <> main.currency
                then invoice.multicurrency_total_ttc
                else invoice.total_ttc
            end as total,
            invoice.fk_statut in (1, 2, 3) and coalesce(invoice.close_code, '') <> 'replaced' as counts
        from llx_facture as invoice
        cross join main
        where invoice.entity = 1 and invoice.ref not like '(PROV%' and invoice.tms > :watermark
    ),

    items as (
        select
            document.rowid as document_id,
            line.rowid as line_no,
            product.ref as product_id,
            case when line.product_type in (0, 1) then round(document.sign * line.qty, 4) end as quantity,
            round(document.sign * case when document.is_foreign then line.multicurrency_total_ht else line.total_ht end, 4) as net_amount,
            round(
                document.sign * case
                    when document.is_foreign
                    then line.multicurrency_total_ttc - line.multicurrency_total_ht
                    else line.total_ttc - line.total_ht
                end,
                4
            ) as tax_amount
        from documents as document
        join llx_facturedet as line on line.fk_facture = document.rowid
        left join llx_product as product on product.rowid = line.fk_product
        where document.counts and line.product_type <> 9
    ),

    sums as (
        select document_id, sum(net_amount + tax_amount) as total from items group by document_id
    ),

    all_lines as (
        select document_id, line_no, product_id, quantity, net_amount, tax_amount from items

        union all

        select document.rowid, 0, null, null, 0, round(document.sign * document.total, 4) - coalesce(sums.total, 0)
        from documents as document
        left join sums on sums.document_id = document.rowid
        where document.counts and round(document.sign * document.total, 4) <> coalesce(sums.total, 0)

        union all

        select rowid, 0, null, null, 0, 0 from documents where not counts
    ),

    used as (
        -- The invoice that a credit note was used for, if it is one.
        select fk_facture_source, min(fk_facture) as invoice_id
        from llx_societe_remise_except
        where fk_facture is not null
        group by fk_facture_source
        having count(distinct fk_facture) = 1
    )

select
    document.ref as invoice_id,
    line.line_no,
    case when document.sign = -1 then 'credit_note' else 'invoice' end as document_type,
    cast(document.fk_soc as char) as account_id,
    line.product_id,
    document.datef as invoice_date,
    document.date_lim_reglement as due_date,
    line.quantity,
    line.net_amount,
    line.tax_amount,
    document.currency,
    corrected.ref as reference_invoice_id,
    case when document.counts then round(document.sign * document.total, 4) else 0 end as invoice_total,
    document.tms as changed_at
from documents as document
join all_lines as line on line.document_id = document.rowid
left join used on used.fk_facture_source = document.rowid and document.sign = -1
left join llx_facture as corrected
    on corrected.rowid = coalesce(used.invoice_id, document.fk_facture_source) and document.sign = -1
order by document.rowid, line.line_no
