-- invariant: Every currency in use has a spot rate by the month end.
-- if it fails: balances are valued at the latest average rate instead; load a spot rate for the currency and close
--   again.
-- severity: warning
-- owner: Treasury
-- keys: currency, closing_rate
WITH uses AS (
    SELECT currency, min(invoice_date) AS first_date FROM core.invoices GROUP BY currency
    UNION ALL
    SELECT currency, min(payment_date) FROM core.payments GROUP BY currency
    UNION ALL
    SELECT currency, min(order_date) FROM core.orders GROUP BY currency
)

SELECT DISTINCT month_rates.period_month, month_rates.currency, month_rates.closing_rate
FROM core.month_rates AS month_rates
JOIN build.periods AS periods ON periods.period_month = month_rates.period_month
JOIN uses ON uses.currency = month_rates.currency AND uses.first_date <= periods.as_of_date
WHERE month_rates.closing_rate_source = 'average'
