-- Payments and refunds of the customer ledger with what they were applied to; the rest is unapplied. An entry without a document type, from a journal, counts as a
-- write-off when it lessens what is owed. Payment discounts and tolerances are documents of their own.
-- reads: landing/customer_ledger_entries*.csv: Entry No., Posting Date, Document Type, Document No., Customer No., Salesperson Code, Currency Code, Original Amount, Due Date, On Hold
-- reads: landing/detailed_customer_ledger_entries*.csv: Entry No., Cust. Ledger Entry No., Applied Cust. Ledger Entry No., Entry Type, Posting Date, Amount, Unapplied
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

    matches as (
        -- Of money, what was applied to an invoice or a credit memo.
        select
            money.entry_no, other.document as invoice_id, sum(abs(applied.amount)) as amount
        from applied
        join entries as money
            on money.entry_no in (applied.entry_no, applied.other_no)
            and money.document_type in ('Payment', 'Refund', '')
        join entries as other
            on other.entry_no in (applied.entry_no, applied.other_no)
            and other.document_type in ('Invoice', 'Credit Memo', 'Finance Charge Memo')
        where applied.entry_type = 'Application'
        group by money.entry_no, other.document
    ),

    money as (
        select * from entries where document_type in ('Payment', 'Refund', '')
    ),

    lines as (
        select money.entry_no, matches.invoice_id, matches.amount from money join matches using (entry_no)

        union all

        select money.entry_no, null, abs(money.amount) - coalesce(matched.amount, 0)
        from money
        left join
            (select entry_no, sum(amount) as amount from matches group by entry_no) as matched
            on matched.entry_no = money.entry_no
        where abs(money.amount) > coalesce(matched.amount, 0)
    )

select
    'E' || money.entry_no as payment_id,
    row_number() over (partition by money.entry_no order by line.invoice_id nulls first) as line_no,
    money.customer as account_id,
    line.invoice_id,
    money.posted_on as payment_date,
    line.amount,
    money.currency,
    case
        when money.amount > 0 then 'refund' when money.document_type = '' then 'write_off' else 'receipt'
    end as payment_type
from money
join lines as line on line.entry_no = money.entry_no

union all

select
    'D' || applied.detail_no, 1, entries.customer, entries.document, applied.posted_on, abs(applied.amount), entries.currency,
    if(applied.amount < 0, 'discount', 'refund')
from applied
join entries on entries.entry_no = applied.entry_no and entries.document_type in ('Invoice', 'Finance Charge Memo')
where (applied.entry_type like 'Payment Discount%' or applied.entry_type like 'Payment Tolerance%') and applied.amount <> 0
order by 1, 2
