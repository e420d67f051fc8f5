-- One row a part of a payment that settles an invoice, and one for what settles none (line 0). A payment is a posted line on a receivable
-- account that belongs to no customer invoice: from the wizard that pays invoices, from bank statements, or entered by hand. What adds to
-- the debt, such as an opening balance or money sent back, is a refund.
-- What was set off against each other (a reconciliation) is shared out from the earliest due invoice on, credit notes first; a part payment
-- goes to the invoice it was entered for. Exchange differences are none: amounts are those of the document's currency.
-- All payments of a party are read again when any of its lines or invoices changes: that a reconciliation was undone leaves no other trace.
-- reads: company_company: id, currency
-- reads: currency_currency: id, code
-- reads: party_party: id, code
-- reads: account_account: id, type
-- reads: account_account_type: id, receivable
-- reads: account_journal: id, type
-- reads: account_move: id, number, date, company, journal, state, create_date, write_date
-- reads: account_move_line: id, move, account, party, debit, credit, amount_second_currency, second_currency, maturity_date, reconciliation, create_date, write_date
-- reads: account_invoice: id, number, type, state, party, company, account, move, cancel_move, total_amount_cache, create_date, write_date
-- reads: account_invoice_line: id, invoice, origin
-- reads: account_invoice-additional-account_move: invoice, move
-- reads: account_invoice-account_move_line: invoice, line
with
    company as (select id, currency from company_company order by id limit 1),
    invoice as (
        select invoice.id, invoice.number || '#' || invoice.id as document, invoice.party, invoice.move, invoice.cancel_move, invoice.account,
            invoice.total_amount_cache as total, greatest(invoice.create_date, invoice.write_date) as changed_at
        from account_invoice as invoice
        join company on company.id = invoice.company
        where invoice.type = 'out' and invoice.state in ('posted', 'paid', 'cancelled') and invoice.number is not null
    ),
    invoice_move as (
        select id as invoice, move, true as is_own from invoice
        union
        select additional.invoice, additional.move, true
        from "account_invoice-additional-account_move" as additional
        join invoice on invoice.id = additional.invoice
        union
        select invoice.id, invoice.cancel_move, false
        from invoice
        where invoice.cancel_move is not null and not exists (select from invoice as note where note.move = invoice.cancel_move)
    ),
    line as (
        select
            line.id,
            line.party,
            line.reconciliation,
            line.maturity_date,
            move.date,
            move.number,
            journal.type as journal_type,
            line.second_currency,
            coalesce(line.amount_second_currency, line.debit - line.credit) as owed,
            coalesce(line.second_currency, company.currency) as currency,
            invoice_move.invoice,
            invoice_move.is_own,
            greatest(line.create_date, line.write_date, move.create_date, move.write_date) as changed_at
        from account_move_line as line
        join account_move as move on move.id = line.move and move.state = 'posted'
        join company on company.id = move.company
        join account_account as account on account.id = line.account
        join account_account_type as account_type on account_type.id = account.type and account_type.receivable
        join account_journal as journal on journal.id = move.journal
        left join invoice_move on invoice_move.move = line.move
        where line.party is not null
    ),
    changed as (
        select party, max(changed_at) as changed_at
        from (select party, changed_at from line union all select party, changed_at from invoice) as either
        group by party
        having max(changed_at) > :watermark
    ),
    foreign_reconciliation as (
        select distinct reconciliation from line where reconciliation is not null and second_currency is not null
    ),
    payment as (
        select line.*
        from line
        join changed on changed.party = line.party
        where
            line.invoice is null
            and line.owed <> 0
            and not (
                line.second_currency is null
                and line.journal_type = 'write-off'
                and line.reconciliation in (select reconciliation from foreign_reconciliation)
            )
    ),
    -- What is owed, and what settles it, each as a stretch of the sum of its reconciliation: where two overlap, one settles the other.
    debit as (
        select
            line.reconciliation,
            line.currency,
            line.invoice,
            instalment.instalment_no,
            sum(line.owed) over earlier - line.owed as starts,
            sum(line.owed) over earlier as ends
        from line
        join (
            select line.id, row_number() over (partition by line.invoice order by line.id) as instalment_no
            from line
            where line.is_own and line.owed >= 0
        ) as instalment on instalment.id = line.id
        where line.reconciliation is not null and line.is_own and line.owed > 0
        window earlier as (partition by line.reconciliation, line.currency order by line.maturity_date, line.id)
    ),
    credit as (
        select
            line.id,
            line.reconciliation,
            line.currency,
            sum(-line.owed) over earlier + line.owed as starts,
            sum(-line.owed) over earlier as ends
        from line
        where line.reconciliation is not null and line.owed < 0 and (line.invoice is not null or line.id in (select id from payment))
        window earlier as (
            partition by line.reconciliation, line.currency order by case when line.invoice is null then 1 else 0 end, line.date, line.id
        )
    ),
    settled as (
        select
            payment.id,
            row_number() over (partition by payment.id order by debit.starts) as line_no,
            debit.invoice,
            debit.instalment_no,
            least(debit.ends, credit.ends) - greatest(debit.starts, credit.starts) as amount
        from payment
        join credit on credit.id = payment.id
        join debit
            on debit.reconciliation = credit.reconciliation
            and debit.currency = credit.currency
            and least(debit.ends, credit.ends) > greatest(debit.starts, credit.starts)
    ),
    -- The invoice that a credit note corrects: money that goes back for the note is owed on that invoice again.
    corrected as (
        select invoice.id as note, min(corrected_line.invoice) as invoice
        from invoice
        join account_invoice_line as line on line.invoice = invoice.id and line.origin like 'account.invoice.line,%'
        join account_invoice_line as corrected_line on corrected_line.id = nullif(split_part(line.origin, ',', 2), '')::integer
        where invoice.total < 0
        group by invoice.id
    ),
    entered_for as (
        select payment.id, coalesce(corrected.invoice, target.invoice) as invoice
        from payment
        join lateral (
            select link.invoice
            from "account_invoice-account_move_line" as link
            where link.line = payment.id and (payment.reconciliation is null or payment.owed > 0)
            union all
            select note.invoice
            from line as note
            where note.reconciliation = payment.reconciliation and note.is_own and note.owed < 0 and payment.owed > 0
            limit 1
        ) as target on true
        left join corrected on corrected.note = target.invoice
    ),
    part as (
        select id, line_no, invoice, instalment_no, amount from settled
        union all
        select
            payment.id,
            0,
            entered_for.invoice,
            null,
            abs(payment.owed) - coalesce((select sum(amount) from settled where settled.id = payment.id), 0)
        from payment
        left join entered_for on entered_for.id = payment.id
    )
select
    payment.number || '#' || payment.id as payment_id,
    part.line_no,
    party.code as account_id,
    invoice.document as invoice_id,
    part.instalment_no,
    payment.date as payment_date,
    part.amount,
    currency.code as currency,
    case
        when payment.owed > 0 then 'refund'
        when payment.journal_type = 'write-off' then 'write_off'
        else 'receipt'
    end as payment_type,
    changed.changed_at
from part
join payment on payment.id = part.id
join changed on changed.party = payment.party
join party_party as party on party.id = payment.party
join currency_currency as currency on currency.id = payment.currency
left join invoice on invoice.id = part.invoice
where part.amount <> 0
