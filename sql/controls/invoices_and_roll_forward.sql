-- why: an invoice of the month is missing from the balance, or stands in it twice
-- needs: invoices
WITH days AS (
    SELECT days.calendar_date, periods.period_month
    FROM build.periods AS periods
    JOIN core.months AS before ON before.month_index = periods.month_index - 1
    JOIN core.days AS days
        ON days.calendar_date > before.as_of_date AND days.calendar_date <= periods.as_of_date
),

lines AS (
    SELECT days.period_month, invoices.currency, invoices.account_id, sum(net_amount + tax_amount) AS amount
    FROM core.invoices AS invoices
    JOIN days ON days.calendar_date = invoices.invoice_date
    WHERE invoices.document_type <> 'credit_note'
    GROUP BY ALL
)

SELECT
    period_month,
    'invoices of the month = roll-forward, invoiced' AS control,
    currency,
    'account ' || account_id AS item,
    amount AS left_amount,
    0 AS right_amount
FROM lines
UNION ALL
SELECT
    period_month,
    'invoices of the month = roll-forward, invoiced',
    currency,
    'account ' || account_id,
    0,
    invoiced_amount_doc
FROM build.receivables_rollforward
