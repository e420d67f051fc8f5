-- Payments by invoice, and what was given up of invoices that were closed without being paid in full: a discount (discount_vat) or a write-off. Read whole at each
-- run: a deleted payment leaves no trace. A payment of a credit note is money paid back.
-- reads: llx_paiement: rowid, ref, datep, entity
-- reads: llx_paiement_facture: rowid, fk_paiement, fk_facture, amount, multicurrency_amount
-- reads: llx_facture: rowid, ref, entity, type, fk_soc, fk_statut, close_code, date_closing, total_ttc, multicurrency_total_ttc, multicurrency_code
-- reads: llx_societe_remise_except: fk_facture, amount_ttc, multicurrency_amount_ttc
-- reads: llx_const: name, value
with
    main as (select coalesce(max(value), 'EUR') as currency from llx_const where name = 'MAIN_MONNAIE'),

    invoices as (
        select
            invoice.*,
            coalesce(nullif(invoice.multicurrency_code, ''), main.currency) as currency,
            coalesce(nullif(invoice.multicurrency_code, ''), main.currency) <> main.currency as is_foreign
        from llx_facture as invoice
        cross join main
        where invoice.entity = 1 and invoice.ref not like '(PROV%'
    ),

    paid as (
        select
            part.rowid,
            part.fk_paiement,
            invoice.rowid as invoice_id,
            case when invoice.is_foreign then part.multicurrency_amount else part.amount end as amount
        from llx_paiement_facture as part
        join invoices as invoice on invoice.rowid = part.fk_facture
    ),

    given_up as (
        select
            invoice.*,
            case when invoice.is_foreign then invoice.multicurrency_total_ttc else invoice.total_ttc end
            - coalesce((select sum(paid.amount) from paid where paid.invoice_id = invoice.rowid), 0)
            - coalesce(
                (
                    select sum(case when invoice.is_foreign then used.multicurrency_amount_ttc else used.amount_ttc end)
                    from llx_societe_remise_except as used
                    where used.fk_facture = invoice.rowid
                ),
                0
            ) as amount
        from invoices as invoice
        where
            invoice.fk_statut in (2, 3)
            and coalesce(invoice.close_code, '') not in ('', 'replaced')
            and invoice.date_closing is not null
            and invoice.type <> 2
    )

select
    payment.ref as payment_id,
    paid.rowid as line_no,
    cast(invoice.fk_soc as char) as account_id,
    invoice.ref as invoice_id,
    date(payment.datep) as payment_date,
    round(abs(paid.amount), 4) as amount,
    invoice.currency,
    case when paid.amount < 0 then 'refund' else 'receipt' end as payment_type
from paid
join llx_paiement as payment on payment.rowid = paid.fk_paiement
join invoices as invoice on invoice.rowid = paid.invoice_id

union all

select
    concat(ref, ' ', close_code),
    1,
    cast(fk_soc as char),
    ref,
    date(date_closing),
    round(amount, 4),
    currency,
    case when close_code = 'discount_vat' then 'discount' else 'write_off' end
from given_up
where amount > 0.005
order by payment_id, line_no
