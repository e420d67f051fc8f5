-- As payments.sql, from the list FBL5N.
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

    money as (
        select
            *,
            -- Where a credit begins and ends in the sum of all credits of a clearing, and where a debit does in that of its debits.
            sum(amount) over (
                partition by customer, clearing, currency, is_credit order by due_on nulls last, document, item
            ) as until
        from items
        where clearing is not null
    ),

    matches as (
        -- A payment settles the part of the invoices of its clearing that lies opposite to it.
        select
            credit.document,
            credit.item,
            coalesce(debit.billing, debit.document) as invoice_id,
            sum(least(credit.until, debit.until) - greatest(credit.until - credit.amount, debit.until - debit.amount)) as amount
        from money as credit
        join money as debit
            on debit.customer = credit.customer and debit.clearing = credit.clearing and debit.currency = credit.currency
            and credit.is_credit and not debit.is_credit
            and least(credit.until, debit.until) > greatest(credit.until - credit.amount, debit.until - debit.amount)
        where
            credit.document_type in ('DZ', 'ZP', 'ZR', 'AB')
            and debit.document_type not in ('DZ', 'ZP', 'ZR', 'AB')
        group by all
    ),

    settled as (
        select item.*, match.invoice_id, match.amount as part
        from items as item
        join matches as match on match.document = item.document and match.item = item.item

        union all

        select item.*, null, item.amount - coalesce(matched.amount, 0)
        from items as item
        left join
            (select document, item, sum(amount) as amount from matches group by all) as matched
            on matched.document = item.document and matched.item = item.item
        where item.document_type in ('DZ', 'ZP', 'ZR', 'AB') and item.amount > coalesce(matched.amount, 0)
    )

select
    document as payment_id,
    -- By invoice, so that a later clearing gives the same lines the same numbers.
    item * 1000 + dense_rank() over (partition by document, item order by invoice_id nulls first) as line_no,
    customer as account_id,
    invoice_id,
    posted_on as payment_date,
    part as amount,
    currency,
    if(is_credit, 'receipt', 'refund') as payment_type
from settled
order by 1, 2
