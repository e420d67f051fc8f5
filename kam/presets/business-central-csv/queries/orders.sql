-- Sales orders: lines with the dates of their heads. Business Central deletes an order that is invoiced in full: what was loaded before stays.
-- reads: landing/sales_orders*.csv: No., Order Date
-- reads: landing/sales_lines*.csv: Document Type, Document No., Line No., Type, No., Sell-to Customer No., Quantity, Line Amount, Currency Code, Requested Delivery Date, Promised Delivery Date, Planned Delivery Date
with
    heads as (
        -- Of a document or entry that is in several files, that of the last one.
        from read_csv('landing/sales_orders*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true) qualify filename = max(filename) over (partition by "No.")
    ),

    lines as (
        -- Of a document or entry that is in several files, that of the last one.
        from read_csv('landing/sales_lines*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true) qualify filename = max(filename) over (partition by "Document No.")
    )

select
    trim(line."Document No.") as order_id,
    cast(line."Line No." as integer) as line_no,
    trim(line."Sell-to Customer No.") as account_id,
    trim(line."No.") as product_id,
    strptime(nullif(trim(head."Order Date"), ''), '%m/%d/%Y')::date as order_date,
    strptime(nullif(trim(line."Requested Delivery Date"), ''), '%m/%d/%Y')::date as requested_date,
    coalesce(strptime(nullif(trim(line."Promised Delivery Date"), ''), '%m/%d/%Y')::date, strptime(nullif(trim(line."Planned Delivery Date"), ''), '%m/%d/%Y')::date) as promised_date,
    cast(coalesce(nullif(replace(trim(line."Quantity"), ',', ''), ''), '0') as decimal(18, 4)) as quantity,
    round(cast(coalesce(nullif(replace(trim(line."Line Amount"), ',', ''), ''), '0') as decimal(18, 4)) / nullif(cast(coalesce(nullif(replace(trim(line."Quantity"), ',', ''), ''), '0') as decimal(18, 4)), 0), 10) as unit_price,
    nullif(trim(line."Currency Code"), '') as currency,
    'open' as status
from lines as line
join heads as head on head."No." = line."Document No."
where trim(line."Document Type") = 'Order' and trim(line."Type") = 'Item' and cast(coalesce(nullif(replace(trim(line."Quantity"), ',', ''), ''), '0') as decimal(18, 4)) > 0
order by 1, 2
