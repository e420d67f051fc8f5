-- Invoices and credit notes from accounting (BSID open, BSAD cleared), with the lines of billing (VBRP) where there are some. A billing document that was
-- cancelled comes with its cancellation, which is a credit note of its own day. Items with a special G/L indicator are left out.
-- Line 0 holds what an item has beyond the lines of billing, or all of a document without billing; its tax is not known apart.
-- reads: landing/bsid*.csv: BUKRS, KUNNR, BELNR, GJAHR, BUZEI, BLART, BUDAT, ZFBDT, ZBD1T, ZBD2T, ZBD3T, SHKZG, WRBTR, WAERS, AUGBL, VBELN, UMSKZ
-- reads: landing/bsad*.csv: BUKRS, KUNNR, BELNR, GJAHR, BUZEI, BLART, BUDAT, ZFBDT, ZBD1T, ZBD2T, ZBD3T, SHKZG, WRBTR, WAERS, AUGBL, VBELN, UMSKZ
-- reads: landing/vbrp*.csv: VBELN, POSNR, MATNR, FKIMG, NETWR, MWSBP, AUBEL, AUPOS
with
    raw as (
        from read_csv('landing/bsid*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        union all by name
        from read_csv('landing/bsad*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
    ),

    items as (
        select
            regexp_replace(nullif(trim(KUNNR), ''), '^0+([0-9]+)$', '\1') as customer,
            regexp_replace(nullif(trim(BELNR), ''), '^0+([0-9]+)$', '\1') || '/' || GJAHR as document,
            cast(BUZEI as integer) as item,
            BLART as document_type,
            strptime(nullif(nullif(trim(BUDAT), ''), '00.00.0000'), '%d.%m.%Y')::date as posted_on,
            -- The net due date: the baseline date and the longest of the three terms.
            strptime(nullif(nullif(trim(ZFBDT), ''), '00.00.0000'), '%d.%m.%Y')::date
            + cast(coalesce(nullif(nullif(trim(ZBD3T), ''), '0'), nullif(nullif(trim(ZBD2T), ''), '0'), nullif(trim(ZBD1T), ''), '0') as integer)
            as due_on,
            SHKZG = 'H' as is_credit,
            cast(replace(replace(rtrim(trim(WRBTR), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(WRBTR) like '%-', -1, 1) as amount,
            WAERS as currency,
            regexp_replace(nullif(trim(AUGBL), ''), '^0+([0-9]+)$', '\1') as clearing,
            regexp_replace(nullif(trim(VBELN), ''), '^0+([0-9]+)$', '\1') as billing
        from raw
        where trim(coalesce(UMSKZ, '')) = ''
        -- An item is in bsid until it is cleared, then in bsad. Of several exports, the one that knows it as cleared, else the last.
        qualify
            row_number() over (
                partition by BUKRS, BELNR, GJAHR, BUZEI order by coalesce(trim(AUGBL), '') <> '' desc, filename desc
            ) = 1
    ),

    documents as (
        -- An invoice or credit note: the items of one billing document, else those of one accounting document.
        select
            coalesce(billing, document) as invoice_id,
            billing,
            is_credit,
            min(customer) as customer,
            min(posted_on) as posted_on,
            max(due_on) as due_on,
            min(currency) as currency,
            sum(amount) as amount,
            min(clearing) as clearing
        from items
        -- Money has these types, also money paid back, and what a clearing leaves open.
        where document_type not in ('DZ', 'ZP', 'ZR', 'AB')
        group by coalesce(billing, document), billing, is_credit
    ),

    billed as (
        select
            regexp_replace(nullif(trim(VBELN), ''), '^0+([0-9]+)$', '\1') as billing,
            cast(POSNR as integer) as line_no,
            regexp_replace(nullif(trim(MATNR), ''), '^0+([0-9]+)$', '\1') as product_id,
            regexp_replace(nullif(trim(AUBEL), ''), '^0+([0-9]+)$', '\1') as order_id,
            cast(nullif(nullif(trim(AUPOS), ''), '000000') as integer) as order_line_no,
            cast(replace(replace(rtrim(trim(FKIMG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(FKIMG) like '%-', -1, 1) as quantity,
            cast(replace(replace(rtrim(trim(NETWR), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(NETWR) like '%-', -1, 1) as net_amount,
            cast(replace(replace(rtrim(trim(MWSBP), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(MWSBP) like '%-', -1, 1) as tax_amount
        from read_csv('landing/vbrp*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by VBELN)
    ),

    lines as (
        select
            document.invoice_id, document.is_credit, billed.line_no, billed.product_id, billed.order_id, billed.order_line_no, billed.quantity, billed.net_amount, billed.tax_amount
        from documents as document
        join billed on billed.billing = document.billing

        union all

        select
            document.invoice_id, document.is_credit, 0, null, null, null, null, document.amount - coalesce(sum(billed.net_amount + billed.tax_amount), 0), 0
        from documents as document
        left join billed on billed.billing = document.billing
        group by document.invoice_id, document.is_credit, document.amount
        having document.amount <> coalesce(sum(billed.net_amount + billed.tax_amount), 0)
    ),

    corrected as (
        -- The first invoice that was cleared together with a credit note.
        select clearing, customer, arg_min(invoice_id, due_on) as invoice_id
        from documents
        where clearing is not null and not is_credit
        group by clearing, customer
    )

select
    document.invoice_id,
    line.line_no,
    if(document.is_credit, 'credit_note', 'invoice') as document_type,
    document.customer as account_id,
    line.product_id,
    line.order_id,
    line.order_line_no,
    document.posted_on as invoice_date,
    document.due_on as due_date,
    line.quantity,
    line.net_amount,
    line.tax_amount,
    document.currency,
    if(document.is_credit, corrected.invoice_id, null) as reference_invoice_id,
    document.amount as invoice_total
from documents as document
join lines as line on line.invoice_id = document.invoice_id and line.is_credit = document.is_credit
left join corrected on corrected.clearing = document.clearing and corrected.customer = document.customer
order by document.invoice_id, line.line_no
