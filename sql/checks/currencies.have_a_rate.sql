-- invariant: Every currency in use has an exchange rate by the month end.
-- if it fails: amounts in the reporting currency are NULL and totals too low; load a rate for the currency and close
--   again.
-- severity: critical
-- owner: Treasury
-- keys: currency, used_in
WITH uses AS (
    SELECT 'accounts' AS feed, currency, NULL::DATE AS first_date
    FROM core.accounts
    WHERE credit_limit IS NOT NULL
    GROUP BY currency
    UNION ALL
    SELECT 'invoices', currency, min(invoice_date) FROM core.invoices GROUP BY currency
    UNION ALL
    SELECT 'payments', currency, min(payment_date) FROM core.payments GROUP BY currency
    UNION ALL
    SELECT 'orders', currency, min(order_date) FROM core.orders GROUP BY currency
    UNION ALL
    SELECT 'payment_plan', currency, min(month) FROM core.payment_plan GROUP BY currency
    UNION ALL
    -- A plan can be valued by a budget rate alone.
    SELECT 'sales_plan', plan.currency, min(plan.month)
    FROM core.sales_plan AS plan
    ANTI JOIN (FROM core.fx_rates WHERE rate_type = 'budget') AS budget ON budget.currency = plan.currency
    WHERE plan.fx_rate IS NULL
    GROUP BY plan.currency
    UNION ALL
    SELECT 'visits', currency, min(coalesce(visit_date, planned_date))
    FROM core.visits
    WHERE coalesce(cost, opportunity_value, promised_payment_amount) IS NOT NULL
    GROUP BY currency
),

-- Used once, a currency can be open in any later month.
used AS (
    SELECT periods.period_month, uses.currency, string_agg(uses.feed, ', ' ORDER BY uses.feed) AS used_in
    FROM uses
    JOIN build.periods AS periods ON uses.first_date IS NULL OR uses.first_date <= periods.as_of_date
    WHERE uses.currency IS NOT NULL
    GROUP BY periods.period_month, uses.currency
)

SELECT used.period_month, used.currency, used.used_in
FROM used
ANTI JOIN core.month_rates AS month_rates
    ON month_rates.period_month = used.period_month AND month_rates.currency = used.currency
