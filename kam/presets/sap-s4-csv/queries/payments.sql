-- Money of customers: items of the document types DZ, ZP, ZR and AB. Those that were cleared settle the invoices of the same clearing, by due date;
-- open ones are unapplied. A debit of these types adds to what is owed, such as a direct debit that came back. A discount is part of the amount.
-- reads: landing/bsid*.csv: BUKRS, KUNNR, BELNR, GJAHR, BUZEI, BLART, BUDAT, ZFBDT, ZBD1T, ZBD2T, ZBD3T, SHKZG, WRBTR, WAERS, AUGBL, VBELN, UMSKZ
-- reads: landing/bsad*.csv: BUKRS, KUNNR, BELNR, GJAHR, BUZEI, BLART, BUDAT, ZFBDT, ZBD1T, ZBD2T, ZBD3T, SHKZG, WRBTR, WAERS, AUGBL, VBELN, UMSKZ
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
