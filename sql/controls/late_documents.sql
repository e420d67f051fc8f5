-- why: the balance that was published for the month before changed, and no document that arrived since explains it; close
--   that month again with --restate
-- needs: invoices
-- What is open in all is a sum of documents, so what arrived or was corrected since the last closing is the adjustment.
-- A month that is built on the month before from the same knowledge has nothing late.
WITH openings AS (
    SELECT
        periods.period_month,
        before.as_of_date,
        coalesce(closes.as_of_load, getvariable('as_of_load')) AS known_then
    FROM build.periods AS periods
    JOIN core.months AS before ON before.month_index = periods.month_index - 1
    LEFT JOIN ops.closes AS closes
        ON closes.period_month = before.period_month AND closes.close_version = periods.previous_version
    WHERE closes.as_of_load IS NOT NULL OR before.period_month IN (SELECT period_month FROM build.periods)
),

first_change AS (
    SELECT least(min(known_then), getvariable('as_of_load')) AS load_id FROM openings
),

reporting AS (
    SELECT reporting_currency FROM build.settings
),

documents AS (
    SELECT
        load_id,
        superseded_load_id,
        invoice_date AS document_date,
        account_id,
        currency,
        CASE WHEN document_type = 'credit_note' THEN -net_amount - tax_amount ELSE net_amount + tax_amount END AS amount
    FROM staging.invoices
    UNION ALL
    SELECT
        load_id,
        superseded_load_id,
        payment_date,
        account_id,
        currency,
        CASE WHEN payment_type = 'refund' THEN amount ELSE -amount END
    FROM staging.payments
),

changed AS (
    SELECT
        openings.period_month,
        documents.account_id,
        coalesce(documents.currency, reporting.reporting_currency) AS currency,
        documents.amount,
        documents.load_id <= getvariable('as_of_load')
        AND coalesce(documents.superseded_load_id > getvariable('as_of_load'), true) AS is_known_now,
        documents.load_id <= openings.known_then
        AND coalesce(documents.superseded_load_id > openings.known_then, true) AS was_known_then
    FROM documents
    CROSS JOIN reporting
    JOIN openings ON documents.document_date <= openings.as_of_date
    WHERE
        documents.load_id > (SELECT load_id FROM first_change)
        OR documents.superseded_load_id > (SELECT load_id FROM first_change)
),

sides AS (
    SELECT
        period_month,
        account_id,
        currency,
        CASE WHEN is_known_now THEN amount ELSE -amount END AS late_amount,
        0 AS adjustment
    FROM changed
    WHERE is_known_now <> was_known_then
    UNION ALL
    SELECT rollforward.period_month, rollforward.account_id, rollforward.currency, 0, rollforward.prior_period_adjustment_doc
    FROM build.receivables_rollforward AS rollforward
    SEMI JOIN openings USING (period_month)
),

accounts AS (
    SELECT period_month, account_id, currency, sum(late_amount) AS late_amount, sum(adjustment) AS adjustment
    FROM sides
    GROUP BY period_month, account_id, currency
),

untied AS (
    SELECT DISTINCT account_id FROM accounts WHERE late_amount <> adjustment
),

-- A settlement stands with the account, and without a currency of its own in the currency, of the document it names.
settlements AS (
    SELECT account_id, invoice_id, currency IS NULL AS takes_currency FROM staging.payments WHERE invoice_id IS NOT NULL
    UNION ALL
    SELECT account_id, reference_invoice_id, false FROM staging.invoices WHERE reference_invoice_id IS NOT NULL
),

invoices AS (
    SELECT DISTINCT invoice_id, account_id, coalesce(currency, reporting_currency) <> reporting_currency AS is_foreign
    FROM staging.invoices
    CROSS JOIN reporting
),

links AS (
    SELECT settlements.account_id, invoices.account_id AS invoice_account_id, takes_currency AND is_foreign AS moves
    FROM (FROM settlements SEMI JOIN untied USING (account_id)) AS settlements
    JOIN invoices USING (invoice_id)
    UNION ALL
    SELECT settlements.account_id, invoices.account_id, takes_currency AND is_foreign
    FROM settlements
    JOIN (FROM invoices SEMI JOIN untied USING (account_id)) AS invoices USING (invoice_id)
),

linked AS (
    SELECT unnest([account_id, invoice_account_id]) AS account_id
    FROM links
    WHERE account_id <> invoice_account_id OR moves
),

moved AS (
    SELECT *, late_amount <> adjustment AND account_id IN (SELECT account_id FROM linked) AS is_moved
    FROM accounts
),

-- Where a late document moved money between accounts or currencies, those concerned tie together. If they do not, each
-- stands for itself, so that the rest has a name.
pooled AS (
    SELECT
        *,
        is_moved AND sum(late_amount - adjustment) OVER (PARTITION BY period_month, is_moved) = 0 AS is_pooled
    FROM moved
)

SELECT
    period_month,
    'documents late for closed months = prior period adjustment' AS control,
    CASE WHEN is_pooled THEN 'all' ELSE currency END AS currency,
    CASE WHEN is_pooled THEN 'accounts that settle across accounts or currencies' ELSE 'account ' || account_id END
        AS item,
    late_amount AS left_amount,
    adjustment AS right_amount
FROM pooled
