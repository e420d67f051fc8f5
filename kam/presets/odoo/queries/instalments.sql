-- The parts in which an invoice is due, by its payment terms. Most have one.
-- reads: res_company: id
-- reads: account_move: id, name, state, move_type, company_id, invoice_date_due, date, posted_before, write_date
-- reads: account_move_line: id, move_id, display_type, date_maturity, amount_currency, write_date
with
    company as (select min(id) as id from res_company),

    changed as (
        select id from account_move where write_date > :watermark
        union
        select move_id from account_move_line where write_date > :watermark
    ),

    documents as (
        select
            move.*,
            greatest(
                move.write_date,
                (select max(line.write_date) from account_move_line as line where line.move_id = move.id)
            ) as changed_at
        from account_move as move
        join changed on changed.id = move.id
        join company on company.id = move.company_id
        where
            move.move_type in ('out_invoice', 'out_receipt')
            and (move.state = 'posted' or move.posted_before)
            and move.name is not null
            and move.name <> '/'
    )

select
    document.name as invoice_id,
    row_number() over (partition by document.id order by line.date_maturity, line.id) as instalment_no,
    coalesce(line.date_maturity, document.invoice_date_due, document.date) as due_date,
    line.amount_currency as amount,
    document.changed_at
from documents as document
join account_move_line as line on line.move_id = document.id and line.display_type = 'payment_term'
where document.state = 'posted' and line.amount_currency >= 0

union all

select document.name, 1, coalesce(document.invoice_date_due, document.date), 0, document.changed_at
from documents as document
where document.state <> 'posted'
order by 1, 2
