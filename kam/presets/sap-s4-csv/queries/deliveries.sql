-- Deliveries whose goods issue was posted: lines (LIPS) with the head (LIKP).
-- reads: landing/likp*.csv: VBELN, WADAT_IST, VBTYP
-- reads: landing/lips*.csv: VBELN, POSNR, LFIMG, VGBEL, VGPOS
with
    heads as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/likp*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by VBELN)
    ),

    lines as (
        -- Of a document that is in several files, the lines of the last one.
        select * from read_csv('landing/lips*.csv', delim = ';', header = true, all_varchar = true, union_by_name = true, filename = true)
        qualify filename = max(filename) over (partition by VBELN)
    )

select
    regexp_replace(nullif(trim(head.VBELN), ''), '^0+([0-9]+)$', '\1') as delivery_id,
    cast(line.POSNR as integer) as line_no,
    regexp_replace(nullif(trim(line.VGBEL), ''), '^0+([0-9]+)$', '\1') as order_id,
    cast(line.VGPOS as integer) as order_line_no,
    strptime(nullif(nullif(trim(head.WADAT_IST), ''), '00.00.0000'), '%d.%m.%Y')::date as delivered_date,
    cast(replace(replace(rtrim(trim(line.LFIMG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(line.LFIMG) like '%-', -1, 1) as quantity
from heads as head
join lines as line on line.VBELN = head.VBELN
where trim(head.VBTYP) = 'J' and strptime(nullif(nullif(trim(head.WADAT_IST), ''), '00.00.0000'), '%d.%m.%Y')::date is not null and cast(replace(replace(rtrim(trim(line.LFIMG), '-'), '.', ''), ',', '.') as decimal(18, 4)) * if(trim(line.LFIMG) like '%-', -1, 1) > 0
order by 1, 2
