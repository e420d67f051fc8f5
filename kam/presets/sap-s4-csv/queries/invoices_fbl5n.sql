-- Invoices and credit notes from the list FBL5N (open and cleared items), one line each. Its amounts include tax.
-- The headings are those of a German user; which columns the list has depends on its layout.
-- reads: landing/fbl5n*.csv: Konto, Belegnummer, Buchungszeile, Belegart, Buchungsdatum, Nettofälligkeit, Betrag in Belegwährung, Belegwährung, Ausgleichsbeleg, Faktura, Sonderhauptbuchkennzeichen
with
    raw as (
        -- A list for each customer ends with totals, which have no document.
        from read_csv('landing/fbl5n*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true) where trim(coalesce("Belegnummer", '')) <> ''
    ),

    items as (
        select
            regexp_replace(nullif(trim("Konto"), ''), '^0+([0-9]+)$', '\1') as customer,
            regexp_replace(nullif(trim("Belegnummer"), ''), '^0+([0-9]+)$', '\1') || '/' || right(trim("Buchungsdatum"), 4) as document,
            cast("Buchungszeile" as integer) as item,
            trim("Belegart") as document_type,
            strptime(nullif(nullif(trim("Buchungsdatum"), ''), '00.00.0000'), '%d.%m.%Y')::date as posted_on,
            strptime(nullif(nullif(trim("Nettofälligkeit"), ''), '00.00.0000'), '%d.%m.%Y')::date as due_on,
            trim("Betrag in Belegwährung") like '%-' as is_credit,
            abs(cast(replace(replace(rtrim(trim("Betrag in Belegwährung"), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim("Betrag in Belegwährung") like '%-', -1, 1)) as amount,
            trim("Belegwährung") as currency,
            regexp_replace(nullif(trim("Ausgleichsbeleg"), ''), '^0+([0-9]+)$', '\1') as clearing,
            regexp_replace(nullif(trim("Faktura"), ''), '^0+([0-9]+)$', '\1') as billing
        from raw
        where trim(coalesce("Sonderhauptbuchkennzeichen", '')) = ''
        -- Of several lists, the one that knows an item as cleared, else the last.
        qualify
            row_number() over (
                partition by "Konto", "Belegnummer", "Buchungsdatum", "Buchungszeile"
                order by coalesce(trim("Ausgleichsbeleg"), '') <> '' desc, filename desc
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

    lines as (
        select
            invoice_id, is_credit, 1 as line_no, null::varchar as product_id, null::varchar as order_id, null::integer as order_line_no,
            null::decimal as quantity, amount as net_amount, 0 as tax_amount
        from documents
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
