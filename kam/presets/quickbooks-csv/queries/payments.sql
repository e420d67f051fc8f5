-- Payments of the Transaction List. It does not say which invoices a payment paid: payments and credit memos are taken to pay the oldest invoices of their customer first.
-- What a customer owes is exact; which of its invoices are open may differ from QuickBooks. Sales and refund receipts pay themselves.
-- reads by heading, on line 5 of landing/transaction_list*.csv: Date, Transaction type, Num, Name, Due date, Amount
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

    debits as (
        select *, sum(amount) over (partition by customer order by day, number) as until
        from transactions where type = 'Invoice'
    ),

    credits as (
        select *, abs(amount) as value, sum(abs(amount)) over (partition by customer order by day, type, number) as until
        from transactions where type in ('Payment', 'Credit Memo')
    ),

    matches as (
        select
            credit.number,
            credit.customer,
            debit.number as invoice_id,
            least(credit.until, debit.until) - greatest(credit.until - credit.value, debit.until - debit.amount) as amount
        from credits as credit
        join debits as debit
            on debit.customer = credit.customer
            and least(credit.until, debit.until) > greatest(credit.until - credit.value, debit.until - debit.amount)
        where credit.type = 'Payment'
    ),

    lines as (
        select credit.number, credit.customer, credit.day, match.invoice_id, match.amount
        from credits as credit
        join matches as match using (number, customer)
        where credit.type = 'Payment'

        union all

        select credit.number, credit.customer, credit.day, null, credit.value - coalesce(sum(match.amount), 0)
        from credits as credit
        left join matches as match using (number, customer)
        where credit.type = 'Payment'
        group by credit.number, credit.customer, credit.day, credit.value
        -- One that was voided comes with amount 0, which ends what it settled before.
        having credit.value > coalesce(sum(match.amount), 0) or credit.value = 0
    )

select
    customer || ' ' || number as payment_id,
    row_number() over (partition by customer, number order by invoice_id nulls first) as line_no,
    customer as account_id,
    invoice_id,
    day as payment_date,
    amount,
    'receipt' as payment_type
from lines

union all

select 'SR ' || number, 1, customer, 'SR ' || number, day, amount, 'receipt' from transactions where type = 'Sales Receipt'

union all

select 'RF ' || number, 1, customer, 'RF ' || number, day, abs(amount), 'refund' from transactions where type = 'Refund'
order by 1, 2
