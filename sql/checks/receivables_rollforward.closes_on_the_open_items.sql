-- invariant: The closing balance of an account and currency is the sum of its open items.
-- if it fails: the balance in the ledger is not the one that collectors chase; roll-forward and ageing read different
--   items.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, currency, closing_amount_doc, item_amount_doc, closing_amount, item_amount
WITH items AS (
    SELECT
        period_month,
        account_id,
        currency,
        sum(outstanding_amount_doc) AS item_amount_doc,
        complete_sum(outstanding_amount, true) AS item_amount
    FROM build.receivables_ageing
    GROUP BY period_month, account_id, currency
),

balances AS (
    SELECT period_month, account_id, currency, closing_amount_doc, closing_amount
    FROM build.receivables_rollforward
)

SELECT *
FROM items
FULL JOIN balances USING (period_month, account_id, currency)
WHERE coalesce(item_amount_doc, 0) <> coalesce(closing_amount_doc, 0)
   -- Without open items there is nothing to value; with them, both are known or neither is.
   OR (item_amount_doc IS NOT NULL AND item_amount IS DISTINCT FROM closing_amount)
   OR (item_amount_doc IS NULL AND closing_amount <> 0)
