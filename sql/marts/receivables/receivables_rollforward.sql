-- fmt: off
-- grain: period_month, account_id, currency
-- why: what explains the change of the balance. Lanes come from documents and payments, the closing from open items: two
--   routes that must meet, and difference_doc says by how much they do not.
-- method: receivables-rollforward-1
-- needs: receivables
-- lines: core.receivable_movements by period_month, account_id, currency sums invoiced_amount_doc = case when lane = 'invoiced' then
--     amount_doc end, credited_amount_doc = case when lane = 'credited' then amount_doc end, received_amount_doc = case when lane =
--     'received' then amount_doc end, discount_amount_doc = case when lane = 'discount' then amount_doc end, written_off_amount_doc =
--     case when lane = 'written_off' then amount_doc end, refunded_amount_doc = case when lane = 'refunded' then amount_doc end,
--     movement_amount = case when lane in ('invoiced', 'refunded') then known_amount else - known_amount end;
--   for closing_*: core.receivable_open_items by period_month, account_id, currency sums closing_amount_doc = outstanding_amount_doc,
--     closing_amount = outstanding_amount;
--   for opening_*, prior_period_*, fx_difference_amount: core.receivable_open_items by account_id, currency where line.period_month =
--     (figure.period_month - interval 1 month)::date
-- columns:
--   period_month                    DATE
--   account_id                      VARCHAR
--   account_name                    VARCHAR
--   account_manager                 VARCHAR
--   currency                        VARCHAR
--   opening_amount_doc              DECIMAL(34,4)  [document currency; first in time] Closing of the month before as it was published; as known now where that month was never closed
--   invoiced_amount_doc             DECIMAL(34,4)  [document currency; sum] Invoices and debit notes dated in the month, tax included
--   credited_amount_doc             DECIMAL(34,4)  [document currency; sum] Credit notes of the month; on the invoice's account, an excess on the credit note's
--   received_amount_doc             DECIMAL(34,4)  [document currency; sum] Receipts of the month; on the settled invoice's account, an excess on the payer's. Below zero where cash held for an account moves to the invoice of another
--   discount_amount_doc             DECIMAL(34,4)  [document currency; sum] Discounts taken in the month
--   written_off_amount_doc          DECIMAL(34,4)  [document currency; sum; less is better] Write-offs of the month
--   refunded_amount_doc             DECIMAL(34,4)  [document currency; sum] Refunds of the month
--   received_amount_doc_reason      VARCHAR        Why received, discount, written_off and refunded_amount_doc are undefined; without payments all that was billed counts as open
--   prior_period_adjustment_doc     DECIMAL(34,4)  [document currency; sum] Documents that arrived late for closed months := opening as known now − opening_amount_doc
--   closing_amount_doc              DECIMAL(34,4)  [document currency; last in time] Sum of the open items
--   difference_doc                  DECIMAL(34,4)  [document currency; sum] Zero, or the close stops := opening + invoiced − credited − received − discount − written off + refunded + prior period adjustment − closing
--   opening_amount                  DECIMAL(32,2)  [reporting currency; first in time] The opening, at the rate of the month end before
--   movement_amount                 DECIMAL(32,2)  [reporting currency; sum] All lanes together, each document at the rate of its date; documents before the first rate of their currency are left out, and a check names them
--   prior_period_adjustment_amount  DECIMAL(32,2)  [reporting currency; sum] The prior period adjustment, at the rate of the month end before
--   fx_difference_amount            DECIMAL(32,2)  [reporting currency; sum] Change of rates, and rounding := closing_amount − opening_amount − movement_amount − prior_period_adjustment_amount
--   closing_amount                  DECIMAL(32,2)
--   amount_reason                   VARCHAR        Why an amount in the reporting currency is undefined (one of those above whose name ends in _amount), or movement_amount lacks documents
-- fmt: on
with
    balances as (
        select
            snapshot_no,
            account_id,
            currency,
            sum(outstanding_amount_doc)::decimal(34, 4) as amount_doc,
            complete_sum(outstanding_amount, true)::decimal(32, 2) as amount,
            min(rate_reason) as amount_reason
        from core.receivable_open_items
        group by snapshot_no, account_id, currency
    ),

    boundaries as (
        select
            periods.period_month,
            periods.previous_version,
            closing.snapshot_no as closing_no,
            opening.snapshot_no as opening_no,
            opening.period_month as opening_month
        from build.periods as periods
        join core.receivable_snapshots as closing on closing.month_index = periods.month_index
        join core.receivable_snapshots as opening on opening.month_index = periods.month_index - 1
    ),

    published as (
        select
            boundaries.period_month,
            rollforward.account_id,
            rollforward.currency,
            rollforward.closing_amount_doc as amount_doc,
            rollforward.closing_amount as amount,
            rollforward.amount_reason
        from marts.receivables_rollforward as rollforward
        join
            boundaries
            on rollforward.period_month = boundaries.opening_month
            and rollforward.close_version = boundaries.previous_version
        -- An account that closed at zero has nothing to open with, and no row for that alone.
        where rollforward.closing_amount_doc <> 0 or rollforward.closing_amount <> 0
    ),

    -- One column a part of the roll-forward; a part that an account does not have is zero, not unknown.
    parts as (
        select
            boundaries.period_month,
            balances.account_id,
            balances.currency,
            'closing' as part,
            balances.amount_doc,
            balances.amount,
            balances.amount_reason
        from balances
        join boundaries on boundaries.closing_no = balances.snapshot_no
        union all
        select
            boundaries.period_month,
            balances.account_id,
            balances.currency,
            'known opening',
            balances.amount_doc,
            balances.amount,
            balances.amount_reason
        from balances
        join boundaries on boundaries.opening_no = balances.snapshot_no
        union all
        select
            boundaries.period_month,
            balances.account_id,
            balances.currency,
            'opening',
            balances.amount_doc,
            balances.amount,
            balances.amount_reason
        from balances
        join boundaries on boundaries.opening_no = balances.snapshot_no
        where boundaries.previous_version is null
        union all
        select
            period_month,
            account_id,
            currency,
            'opening',
            amount_doc,
            amount,
            case when amount is null then amount_reason end
        from published
        union all
        select period_month, account_id, currency, lane, amount_doc, known_amount, amount_reason
        from core.receivable_movements
    ),

    totals as (
        select
            period_month,
            account_id,
            currency,
            sum(case part when 'opening' then amount_doc else 0 end) as opening_amount_doc,
            sum(case part when 'known opening' then amount_doc else 0 end) as known_opening_doc,
            sum(case part when 'invoiced' then amount_doc else 0 end) as invoiced_amount_doc,
            sum(case part when 'credited' then amount_doc else 0 end) as credited_amount_doc,
            sum(case part when 'received' then amount_doc else 0 end) as received_amount_doc,
            sum(case part when 'discount' then amount_doc else 0 end) as discount_amount_doc,
            sum(case part when 'written_off' then amount_doc else 0 end) as written_off_amount_doc,
            sum(case part when 'refunded' then amount_doc else 0 end) as refunded_amount_doc,
            sum(case part when 'closing' then amount_doc else 0 end) as closing_amount_doc,
            complete_sum(amount, part = 'opening') as opening_amount,
            complete_sum(amount, part = 'known opening') as known_opening_amount,
            complete_sum(amount, part = 'closing') as closing_amount,
            known_sum(
                case when part in ('invoiced', 'refunded') then amount else - amount end,
                amount_reason,
                part not in ('closing', 'opening', 'known opening')
            ) as movement_amount,
            count(amount_reason) filter (where part not in ('closing', 'opening', 'known opening'))
            = 0 as movement_is_whole,
            min(amount_reason) as amount_reason
        from parts
        group by period_month, account_id, currency
    )

select
    totals.period_month,
    totals.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    totals.currency,
    totals.opening_amount_doc,
    totals.invoiced_amount_doc,
    totals.credited_amount_doc,
    case when settings.no_payments is null then totals.received_amount_doc end as received_amount_doc,
    case when settings.no_payments is null then totals.discount_amount_doc end as discount_amount_doc,
    case when settings.no_payments is null then totals.written_off_amount_doc end as written_off_amount_doc,
    case when settings.no_payments is null then totals.refunded_amount_doc end as refunded_amount_doc,
    settings.no_payments as received_amount_doc_reason,
    totals.known_opening_doc - totals.opening_amount_doc as prior_period_adjustment_doc,
    totals.closing_amount_doc,
    totals.known_opening_doc
    + totals.invoiced_amount_doc
    - totals.credited_amount_doc
    - totals.received_amount_doc
    - totals.discount_amount_doc
    - totals.written_off_amount_doc
    + totals.refunded_amount_doc
    - totals.closing_amount_doc as difference_doc,
    totals.opening_amount,
    totals.movement_amount,
    totals.known_opening_amount - totals.opening_amount as prior_period_adjustment_amount,
    -- Else it would be the amount of a document, not a change of rates.
    case
        when totals.movement_is_whole then totals.closing_amount - totals.known_opening_amount - totals.movement_amount
    end as fx_difference_amount,
    totals.closing_amount,
    totals.amount_reason
from totals
cross join (select undeclared_reason('payments', declared_feeds) as no_payments from build.settings) as settings
left join core.accounts as accounts on accounts.account_id = totals.account_id
