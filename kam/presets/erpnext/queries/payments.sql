-- What settles receivables, from the payment ledger: payment entries and journal entries, and what was paid at once with an invoice (point of sale). What was allocated
-- to an invoice settles it, the rest is unapplied. What adds to a receivable counts as a refund. A cancelled voucher comes with amount 0.
-- reads: tabCompany: name, creation
-- reads: tabPayment Ledger Entry: name, company, account_type, party_type, party, posting_date, voucher_type, voucher_no, against_voucher_type, against_voucher_no, amount_in_account_currency, account_currency, delinked, modified
-- reads: tabSales Invoice: name, is_return
with
    company as (select name from `tabCompany` order by creation, name limit 1),

    changed as (
        select distinct voucher_type, voucher_no from `tabPayment Ledger Entry` where modified > :watermark
    ),

    entries as (
        select
            entry.*,
            case
                when entry.against_voucher_type = 'Sales Invoice' then entry.against_voucher_no
            end as invoice_id
        from `tabPayment Ledger Entry` as entry
        join company on company.name = entry.company
        join changed on changed.voucher_type = entry.voucher_type and changed.voucher_no = entry.voucher_no
        left join `tabSales Invoice` as invoice
            on invoice.name = entry.voucher_no and entry.voucher_type = 'Sales Invoice'
        where
            entry.account_type = 'Receivable'
            and entry.party_type = 'Customer'
            and (
                entry.voucher_type <> 'Sales Invoice'
                or invoice.is_return = 0 and entry.amount_in_account_currency < 0
            )
    ),

    sums as (
        select
            voucher_type,
            voucher_no,
            party,
            invoice_id,
            account_currency,
            min(posting_date) as posting_date,
            sum(case when delinked = 0 then amount_in_account_currency else 0 end) as amount,
            max(max(modified)) over (partition by voucher_type, voucher_no) as changed_at
        from entries
        group by voucher_type, voucher_no, party, invoice_id, account_currency
        -- Exchange differences have no amount in the currency of the account.
        having amount <> 0 or max(delinked) = 1
    )

select
    voucher_no as payment_id,
    -- Of the customer and the invoice, so that a line keeps its number whatever else is allocated.
    crc32(concat_ws('|', party, coalesce(invoice_id, ''), account_currency)) >> 1 as line_no,
    party as account_id,
    invoice_id,
    posting_date as payment_date,
    round(abs(amount), 4) as amount,
    account_currency as currency,
    case
        when amount > 0 then 'refund' when voucher_type = 'Journal Entry' then 'write_off' else 'receipt'
    end as payment_type,
    changed_at
from sums
order by payment_id, line_no
