-- Sales orders (VBTYP C): lines (VBAP) with the head (VBAK) and the confirmed schedule lines (VBEP). A line with a reason for rejection is cancelled.
-- reads: landing/vbak*.csv: VBELN, AUDAT, KUNNR, WAERK, VBTYP, VDATU
-- reads: landing/vbap*.csv: VBELN, POSNR, MATNR, KWMENG, NETWR, ABGRU
-- reads: landing/vbep*.csv: VBELN, POSNR, EDATU, BMENG
with
    heads as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/vbak*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by VBELN)
    ),

    lines as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/vbap*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by VBELN)
    ),

    confirmed as (
        select VBELN, POSNR, max(strptime(nullif(nullif(trim(EDATU), ''), '00.00.0000'), '%d.%m.%Y')::date) as promised_on
        from read_csv('landing/vbep*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        -- Those of the last export that has the line.
        where cast(replace(replace(rtrim(trim(BMENG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(BMENG) like '%-', -1, 1) > 0
        group by VBELN, POSNR, filename
        qualify row_number() over (partition by VBELN, POSNR order by filename desc) = 1
    )

select
    regexp_replace(nullif(trim(head.VBELN), ''), '^0+([0-9]+)$', '\1') as order_id,
    cast(line.POSNR as integer) as line_no,
    regexp_replace(nullif(trim(head.KUNNR), ''), '^0+([0-9]+)$', '\1') as account_id,
    regexp_replace(nullif(trim(line.MATNR), ''), '^0+([0-9]+)$', '\1') as product_id,
    strptime(nullif(nullif(trim(head.AUDAT), ''), '00.00.0000'), '%d.%m.%Y')::date as order_date,
    strptime(nullif(nullif(trim(head.VDATU), ''), '00.00.0000'), '%d.%m.%Y')::date as requested_date,
    confirmed.promised_on as promised_date,
    cast(replace(replace(rtrim(trim(line.KWMENG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(line.KWMENG) like '%-', -1, 1) as quantity,
    round((cast(replace(replace(rtrim(trim(line.NETWR), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(line.NETWR) like '%-', -1, 1)) / nullif(cast(replace(replace(rtrim(trim(line.KWMENG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(line.KWMENG) like '%-', -1, 1), 0), 10) as unit_price,
    head.WAERK as currency,
    if(trim(coalesce(line.ABGRU, '')) = '', 'open', 'cancelled') as status
from heads as head
join lines as line on line.VBELN = head.VBELN
left join confirmed on confirmed.VBELN = line.VBELN and confirmed.POSNR = line.POSNR
where trim(head.VBTYP) = 'C'
order by 1, 2
