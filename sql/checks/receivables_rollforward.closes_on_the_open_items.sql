-- fmt: off
-- invariant: The closing balance of an account and currency is the sum of its open items.
-- finding: The closing balance of {n} (account is|accounts is) not the sum of the open items
-- if it fails: the balance in the ledger is not the one that collectors chase; roll-forward and ageing read different
--   items.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, currency, closing_amount_doc, item_amount_doc, closing_amount, item_amount
-- fmt: on
with
    items as (
        select
            period_month,
            account_id,
            currency,
            sum(outstanding_amount_doc) as item_amount_doc,
            complete_sum(outstanding_amount, true) as item_amount
        from build.receivables_ageing
        group by period_month, account_id, currency
    ),

    balances as (
        select period_month, account_id, currency, closing_amount_doc, closing_amount from build.receivables_rollforward
    )

select *
from items
full join balances using (period_month, account_id, currency)
where
    coalesce(item_amount_doc, 0) <> coalesce(closing_amount_doc, 0)
    -- Without open items there is nothing to value; with them, both are known or neither is.
    or (item_amount_doc is not null and item_amount is distinct from closing_amount)
    or (item_amount_doc is null and closing_amount <> 0)
