-- One row a part in which an invoice is due: the lines of its moves on the receivable account. A part that was rescheduled has amount 0, and
-- the parts that took its place come after it.
-- reads: company_company: id
-- reads: account_invoice: id, number, type, state, company, account, move, total_amount_cache, create_date, write_date
-- reads: account_invoice-additional-account_move: invoice, move
-- reads: account_move_line: id, move, account, debit, credit, amount_second_currency, maturity_date, reconciliation, create_date, write_date
with
    company as (select id from company_company order by id limit 1),
    invoice as (
        select
            invoice.id,
            invoice.number,
            invoice.account,
            invoice.move,
            greatest(invoice.create_date, invoice.write_date) as changed_at
        from account_invoice as invoice
        join company on company.id = invoice.company
        where
            invoice.type = 'out'
            and invoice.state in ('posted', 'paid', 'cancelled')
            and invoice.number is not null
            and invoice.total_amount_cache >= 0
    ),
    own_move as (
        select id as invoice, move from invoice
        union
        select additional.invoice, additional.move
        from "account_invoice-additional-account_move" as additional
        join invoice on invoice.id = additional.invoice
    ),
    line as (
        select
            invoice.number || '#' || invoice.id as invoice_id,
            row_number() over (partition by invoice.id order by line.id) as instalment_no,
            line.maturity_date as due_date,
            case
                when line.reconciliation is not null and not exists (
                    select
                    from account_move_line as partner
                    left join own_move on own_move.move = partner.move and own_move.invoice = invoice.id
                    where partner.reconciliation = line.reconciliation and own_move.move is null
                ) then 0
                else coalesce(line.amount_second_currency, line.debit - line.credit)
            end as amount,
            max(greatest(invoice.changed_at, line.create_date, line.write_date))
                over (partition by invoice.id) as changed_at
        from invoice
        join own_move on own_move.invoice = invoice.id
        join account_move_line as line on line.move = own_move.move and line.account = invoice.account
        where coalesce(line.amount_second_currency, line.debit - line.credit) >= 0
    )
select * from line where changed_at > :watermark
