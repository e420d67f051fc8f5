-- What settles receivables: journal items on receivable accounts whose entry is no invoice. A credit settles the invoices that it was matched
-- with, in their currency; the rest is unapplied. A debit adds to what is owed, such as money paid back.
-- An entry that is a draft again, or cancelled, comes with amount 0. Line numbers: twice the id of a match, or twice the id of an item and one.
-- reads: res_company: id
-- reads: res_currency: id, name
-- reads: res_partner: id, commercial_partner_id
-- reads: account_account: id, account_type
-- reads: account_journal: id, type
-- reads: account_move: id, name, state, move_type, company_id, journal_id, date, posted_before, write_date
-- reads: account_move_line: id, move_id, account_id, partner_id, currency_id, amount_currency, write_date
-- reads: account_partial_reconcile: id, debit_move_id, credit_move_id, debit_amount_currency, credit_amount_currency, write_date
with
    company as (select min(id) as id from res_company),

    items as (
        select
            item.*,
            coalesce(partner.commercial_partner_id, item.partner_id)::text as customer_id,
            currency.name as currency
        from account_move_line as item
        join account_account as account on account.id = item.account_id and account.account_type = 'asset_receivable'
        join res_currency as currency on currency.id = item.currency_id
        left join res_partner as partner on partner.id = item.partner_id
        where item.partner_id is not null and item.amount_currency <> 0
    ),

    changed as (
        select id from account_move where write_date > :watermark
        union
        select move_id from account_move_line where write_date > :watermark
        union
        select item.move_id
        from account_partial_reconcile as partial
        join account_move_line as item on item.id in (partial.debit_move_id, partial.credit_move_id)
        where partial.write_date > :watermark
    ),

    documents as (
        select
            move.*,
            journal.type as journal_type,
            greatest(
                move.write_date,
                (select max(item.write_date) from account_move_line as item where item.move_id = move.id),
                (
                    select max(partial.write_date)
                    from account_partial_reconcile as partial
                    join account_move_line as item on item.id in (partial.debit_move_id, partial.credit_move_id)
                    where item.move_id = move.id
                )
            ) as changed_at
        from account_move as move
        join changed on changed.id = move.id
        join company on company.id = move.company_id
        join account_journal as journal on journal.id = move.journal_id
        where
            move.move_type = 'entry'
            and (move.state = 'posted' or move.posted_before)
            and move.name is not null
            and move.name <> '/'
    ),

    matches as (
        -- Of an item, what was matched with an invoice or a credit note.
        select
            partial.id,
            item.id as item_id,
            other.name as invoice_id,
            other_item.currency,
            case when item.id = partial.credit_move_id then partial.debit_amount_currency else partial.credit_amount_currency end as amount,
            case when item.id = partial.credit_move_id then partial.credit_amount_currency else partial.debit_amount_currency end as own_amount
        from account_partial_reconcile as partial
        join items as item on item.id in (partial.debit_move_id, partial.credit_move_id)
        join items as other_item
            on other_item.id in (partial.debit_move_id, partial.credit_move_id) and other_item.id <> item.id
        join account_move as other
            on other.id = other_item.move_id
            and other.move_type in ('out_invoice', 'out_receipt', 'out_refund')
    ),

    lines as (
        select item.move_id, 2 * match.id as line_no, item.customer_id, match.invoice_id, match.amount, match.currency, item.amount_currency
        from matches as match
        join items as item on item.id = match.item_id

        union all

        select
            item.move_id,
            2 * item.id + 1,
            item.customer_id,
            null,
            abs(item.amount_currency) - coalesce(sum(match.own_amount), 0),
            item.currency,
            item.amount_currency
        from items as item
        left join matches as match on match.item_id = item.id
        group by item.id, item.move_id, item.customer_id, item.currency, item.amount_currency
    )

select
    document.name as payment_id,
    line.line_no,
    line.customer_id as account_id,
    case when document.state = 'posted' then line.invoice_id end as invoice_id,
    document.date as payment_date,
    case when document.state = 'posted' then line.amount else 0 end as amount,
    line.currency,
    case
        when line.amount_currency > 0 then 'refund'
        when document.journal_type = 'general' then 'write_off'
        else 'receipt'
    end as payment_type,
    document.changed_at
from documents as document
join lines as line on line.move_id = document.id
where line.amount > 0 or document.state <> 'posted' and line.line_no % 2 = 1
order by document.id, line.line_no
