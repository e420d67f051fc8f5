-- Invoices and credit memos of the Transaction List, with lines of the report Sales by Customer Detail. Line 0 holds what an invoice has beyond its lines: sales tax,
-- or all of an invoice without lines. Sales receipts (SR) and refund receipts (RF) are paid at once and owe nothing; their lines count as sales.
-- reads by heading, on line 5 of landing/transaction_list*.csv: Date, Transaction type, Num, Name, Due date, Amount
-- and of landing/sales_by_customer_detail*.csv: Date, Transaction type, Num, Customer, Product/Service, Quantity, Amount
with
    listed as (
        select
            trim("Transaction type") as type,
            -- Many payments have no number: then the day and the amount are one.
            coalesce(nullif(trim("Num"), ''), strftime(strptime(nullif(trim("Date"), ''), '%m/%d/%Y')::date, '%Y-%m-%d') || ' ' || trim("Amount")) as number,
            trim("Name") as customer,
            strptime(nullif(trim("Date"), ''), '%m/%d/%Y')::date as day,
            strptime(nullif(trim("Due date"), ''), '%m/%d/%Y')::date as due_on,
            cast(replace(replace(replace(trim("Amount"), ',', ''), '$', ''), ' ', '') as decimal(18, 4)) as amount,
            filename
        from read_csv('landing/transaction_list*.csv', delim = ',', quote = '"', skip = 4, header = true, all_varchar = true, ignore_errors = true, union_by_name = true, filename = true)
        -- The foot of a report has other columns and is left out; no row with a date may be lost with it.
        where
            try_strptime(trim("Date"), '%m/%d/%Y') is not null
            and if(
                (select sum(len(regexp_extract_all(content, '(?m)^"?[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"?,'))) from read_text('landing/transaction_list*.csv'))
                = (select count(*) from read_csv('landing/transaction_list*.csv', delim = ',', quote = '"', skip = 4, header = true, all_varchar = true, ignore_errors = true, union_by_name = true, filename = true) where try_strptime(trim("Date"), '%m/%d/%Y') is not null),
                true,
                error('transaction_list: rows with a date do not have the columns of the heading')
            )
    ),

    counted as (
        -- Equal ones of one report are several.
        select *, row_number() over (partition by filename, type, number, customer) as place from listed
    ),

    transactions as (
        -- Of a transaction that is in several reports, that of the last one.
        select * replace (number || if(place > 1, ' (' || place || ')', '') as number)
        from counted
        qualify filename = max(filename) over (partition by type, number, place, customer)
    ),

    details as (
        select
            trim("Transaction type") as type,
            trim("Num") as number,
            trim("Customer") as customer,
            row_number() over (partition by "Transaction type", "Num", "Customer", filename) as line_no,
            nullif(trim("Product/Service"), '') as product_id,
            abs(cast(replace(replace(replace(trim("Quantity"), ',', ''), '$', ''), ' ', '') as decimal(18, 4))) as quantity,
            -- The report has the lines of credit memos and refunds negative.
            cast(replace(replace(replace(trim("Amount"), ',', ''), '$', ''), ' ', '') as decimal(18, 4)) * if(trim("Transaction type") in ('Credit Memo', 'Refund'), -1, 1) as amount
        from read_csv('landing/sales_by_customer_detail*.csv', delim = ',', quote = '"', skip = 4, header = true, all_varchar = true, ignore_errors = true, union_by_name = true, filename = true)
        -- The foot of a report has other columns and is left out; no row with a date may be lost with it.
        where
            try_strptime(trim("Date"), '%m/%d/%Y') is not null
            and if(
                (select sum(len(regexp_extract_all(content, '(?m)^"?[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"?,'))) from read_text('landing/sales_by_customer_detail*.csv'))
                = (select count(*) from read_csv('landing/sales_by_customer_detail*.csv', delim = ',', quote = '"', skip = 4, header = true, all_varchar = true, ignore_errors = true, union_by_name = true, filename = true) where try_strptime(trim("Date"), '%m/%d/%Y') is not null),
                true,
                error('sales_by_customer_detail: rows with a date do not have the columns of the heading')
            )
        qualify filename = max(filename) over (partition by "Transaction type", "Num", "Customer")
    ),

    documents as (
        select * from transactions where type in ('Invoice', 'Credit Memo', 'Sales Receipt', 'Refund')
    ),

    lines as (
        select documents.type, documents.number, documents.customer, details.line_no, details.product_id, details.quantity, details.amount as net_amount, 0 as tax_amount
        from documents
        join details using (type, number, customer)
        where documents.amount <> 0

        union all

        -- One that was voided comes with one line of amount 0: an older report may still have its lines.
        select type, number, customer, 0, null, null, 0, 0 from documents where amount = 0

        union all

        select
            documents.type, documents.number, documents.customer, 0, null, null,
            if(count(details.line_no) = 0, abs(documents.amount), 0),
            if(count(details.line_no) = 0, 0, abs(documents.amount) - sum(details.amount))
        from documents
        left join details using (type, number, customer)
        where documents.amount <> 0
        group by documents.type, documents.number, documents.customer, documents.amount
        having abs(documents.amount) <> coalesce(sum(details.amount), 0)
    )

select
    case document.type when 'Sales Receipt' then 'SR ' when 'Refund' then 'RF ' else '' end || document.number as invoice_id,
    line.line_no,
    if(document.type in ('Credit Memo', 'Refund'), 'credit_note', 'invoice') as document_type,
    document.customer as account_id,
    line.product_id,
    document.day as invoice_date,
    coalesce(document.due_on, document.day) as due_date,
    line.quantity,
    line.net_amount,
    line.tax_amount,
    abs(document.amount) as invoice_total
from documents as document
join lines as line using (type, number, customer)
order by 1, 2
