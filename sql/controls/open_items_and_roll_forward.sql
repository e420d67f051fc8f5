-- fmt: off
-- why: a balance that no document explains is chased from the wrong customer, or from none
-- needs: receivables
-- fmt: on
select
    period_month,
    'open items = ledger roll-forward' as control,
    currency,
    'account ' || account_id as item,
    outstanding_amount_doc as left_amount,
    0 as right_amount
from build.receivables_ageing
union all
select
    period_month,
    'open items = ledger roll-forward',
    currency,
    'account ' || account_id,
    0,
    opening_amount_doc
    + invoiced_amount_doc
    - credited_amount_doc
    - coalesce(received_amount_doc + discount_amount_doc + written_off_amount_doc - refunded_amount_doc, 0)
    + prior_period_adjustment_doc
from build.receivables_rollforward
