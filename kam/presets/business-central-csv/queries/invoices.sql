-- Invoices and credit memos of the customer ledger, with their posted lines. Line 0 holds what an entry has beyond them, such as rounding, or all of an entry that
-- was posted in a journal; its VAT is not known apart. A posted invoice is never deleted or changed: a cancelled one has a credit memo.
-- reads: landing/customer_ledger_entries*.csv: Entry No., Posting Date, Document Type, Document No., Customer No., Salesperson Code, Currency Code, Original Amount, Due Date, On Hold
-- reads: landing/detailed_customer_ledger_entries*.csv: Entry No., Cust. Ledger Entry No., Applied Cust. Ledger Entry No., Entry Type, Posting Date, Amount, Unapplied
-- reads: landing/posted_sales_invoice_lines*.csv: Document No., Line No., Type, No., Quantity, Amount, Amount Including VAT, Order No., Order Line No.
-- reads: landing/posted_sales_credit_memo_lines*.csv: Document No., Line No., Type, No., Quantity, Amount, Amount Including VAT, Order No., Order Line No.
with
    entries as (
        select
            cast("Entry No." as integer) as entry_no,
            if(
                coalesce(trim("Document Type"), '') in ('', 'Invoice', 'Credit Memo', 'Payment', 'Refund', 'Finance Charge Memo', 'Reminder'),
                coalesce(trim("Document Type"), ''),
                error('customer_ledger_entries: the Document Type ' || "Document Type" || ' is none of the English ones')
            ) as document_type,
            trim("Document No.") as document,
            trim("Customer No.") as customer,
            nullif(trim("Salesperson Code"), '') as salesperson,
            strptime(nullif(trim("Posting Date"), ''), '%m/%d/%Y')::date as posted_on,
            strptime(nullif(trim("Due Date"), ''), '%m/%d/%Y')::date as due_on,
            cast(coalesce(nullif(replace(trim("Original Amount"), ',', ''), ''), '0') as decimal(18, 4)) as amount,
            nullif(trim("Currency Code"), '') as currency,
            nullif(trim("On Hold"), '') is not null as is_on_hold
        from read_csv('landing/customer_ledger_entries*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true)
        -- Of an entry that is in several files, that of the last one.
        qualify filename = max(filename) over (partition by "Entry No.")
    ),

    applied as (
        -- Which two entries settle each other. Of the two lines of an application the one that names another entry counts.
        select
            cast("Cust. Ledger Entry No." as integer) as entry_no,
            cast("Applied Cust. Ledger Entry No." as integer) as other_no,
            trim("Entry Type") as entry_type,
            cast("Entry No." as integer) as detail_no,
            strptime(nullif(trim("Posting Date"), ''), '%m/%d/%Y')::date as posted_on,
            cast(coalesce(nullif(replace(trim("Amount"), ',', ''), ''), '0') as decimal(18, 4)) as amount
        from
            (
                from read_csv('landing/detailed_customer_ledger_entries*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true)
                qualify filename = max(filename) over (partition by "Entry No.")
            )
        -- An application that was taken back is marked.
        where
            case lower(coalesce(trim("Unapplied"), ''))
                when 'no' then true
                when 'false' then true
                when 'yes' then false
                when 'true' then false
                else error('detailed_customer_ledger_entries: Unapplied is neither Yes nor No')
            end
    ),

    posted as (
        select
            trim("Document No.") as document,
            cast("Line No." as integer) as line_no,
            if(trim("Type") = 'Item', nullif(trim("No."), ''), null) as product_id,
            nullif(trim("Order No."), '') as order_id,
            cast(nullif(trim("Order Line No."), '') as integer) as order_line_no,
            if(trim("Type") = 'Item', cast(coalesce(nullif(replace(trim("Quantity"), ',', ''), ''), '0') as decimal(18, 4)), null) as quantity,
            cast(coalesce(nullif(replace(trim("Amount"), ',', ''), ''), '0') as decimal(18, 4)) as net_amount,
            cast(coalesce(nullif(replace(trim("Amount Including VAT"), ',', ''), ''), '0') as decimal(18, 4)) - cast(coalesce(nullif(replace(trim("Amount"), ',', ''), ''), '0') as decimal(18, 4)) as tax_amount
        from read_csv('landing/posted_sales_invoice_lines*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true)
        where cast(coalesce(nullif(replace(trim("Amount Including VAT"), ',', ''), ''), '0') as decimal(18, 4)) <> 0 or cast(coalesce(nullif(replace(trim("Quantity"), ',', ''), ''), '0') as decimal(18, 4)) <> 0
        qualify filename = max(filename) over (partition by "Document No.")

        union all

        select
            trim("Document No.") as document,
            cast("Line No." as integer) as line_no,
            if(trim("Type") = 'Item', nullif(trim("No."), ''), null) as product_id,
            nullif(trim("Order No."), '') as order_id,
            cast(nullif(trim("Order Line No."), '') as integer) as order_line_no,
            if(trim("Type") = 'Item', cast(coalesce(nullif(replace(trim("Quantity"), ',', ''), ''), '0') as decimal(18, 4)), null) as quantity,
            cast(coalesce(nullif(replace(trim("Amount"), ',', ''), ''), '0') as decimal(18, 4)) as net_amount,
            cast(coalesce(nullif(replace(trim("Amount Including VAT"), ',', ''), ''), '0') as decimal(18, 4)) - cast(coalesce(nullif(replace(trim("Amount"), ',', ''), ''), '0') as decimal(18, 4)) as tax_amount
        from read_csv('landing/posted_sales_credit_memo_lines*.csv', delim = ',', header = true, all_varchar = true, union_by_name = true, filename = true)
        where cast(coalesce(nullif(replace(trim("Amount Including VAT"), ',', ''), ''), '0') as decimal(18, 4)) <> 0 or cast(coalesce(nullif(replace(trim("Quantity"), ',', ''), ''), '0') as decimal(18, 4)) <> 0
        qualify filename = max(filename) over (partition by "Document No.")
    ),

    documents as (
        select
            document,
            document_type,
            min(entry_no) as entry_no,
            min(customer) as customer,
            min(salesperson) as salesperson,
            min(posted_on) as posted_on,
            max(due_on) as due_on,
            abs(sum(amount)) as amount,
            min(currency) as currency,
            bool_or(is_on_hold) as is_on_hold
        from entries
        where document_type in ('Invoice', 'Credit Memo', 'Finance Charge Memo')
        group by document, document_type
    ),

    lines as (
        select posted.* from posted semi join documents using (document)

        union all

        select
            documents.document, 0, null, null, null, null, if(count(posted.document) = 0, documents.amount, 0),
            if(count(posted.document) = 0, 0, documents.amount - sum(posted.net_amount + posted.tax_amount))
        from documents
        left join posted on posted.document = documents.document
        group by documents.document, documents.amount
        having documents.amount <> coalesce(sum(posted.net_amount + posted.tax_amount), 0)
    ),

    corrected as (
        -- The invoice that a credit memo was applied to, if it is one.
        select credit.document, min(invoice.document) as invoice_id
        from applied
        join entries as credit
            on credit.entry_no in (applied.entry_no, applied.other_no) and credit.document_type = 'Credit Memo'
        join entries as invoice
            on invoice.entry_no in (applied.entry_no, applied.other_no) and invoice.document_type = 'Invoice'
        where applied.entry_type = 'Application'
        group by credit.document
        having count(distinct invoice.document) = 1
    )

select
    document.document as invoice_id,
    line.line_no,
    case document.document_type
        when 'Credit Memo' then 'credit_note'
        when 'Finance Charge Memo' then 'debit_note'
        else 'invoice'
    end as document_type,
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
    corrected.invoice_id as reference_invoice_id,
    document.amount as invoice_total,
    document.is_on_hold as disputed,
    document.salesperson as account_manager
from documents as document
join lines as line on line.document = document.document
left join corrected on corrected.document = document.document and document.document_type = 'Credit Memo'
order by 1, 2
