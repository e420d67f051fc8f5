-- why: the balance that was published for the month before changed, and no document that arrived since explains it; close
--   that month again with --restate
-- needs: invoices
-- What is open in all is a sum of documents, so what arrived or was corrected since the last closing is the adjustment.
-- A month that is built on the month before from the same knowledge has nothing late. Staging has what the source said; what
-- corrections make of it is added: with those of now to what is known now, with those of the version to what was known then.
WITH openings AS (
    SELECT
        periods.period_month,
        before.as_of_date,
        closes.period_month AS version_month,
        closes.close_version,
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

-- An empty cell is '' here: a column without an entry has NULL.
corrections AS (
    SELECT
        openings.period_month,
        openings.as_of_date,
        getvariable('as_of_load') AS known,
        1 AS sign,
        in_force.feed,
        in_force.key_values,
        map_from_entries(list((in_force.column_name, coalesce(in_force.right_value, '')))) AS right_values
    FROM openings
    CROSS JOIN build.corrections AS in_force
    WHERE openings.close_version IS NOT NULL AND in_force.state = 'applied' AND in_force.feed IN ('invoices', 'payments')
    GROUP BY ALL
    UNION ALL
    SELECT
        openings.period_month,
        openings.as_of_date,
        openings.known_then,
        -1,
        before.feed,
        before.key_values,
        map_from_entries(list((before.column_name, coalesce(before.right_value, ''))))
    FROM openings
    JOIN ops.corrections AS before
        ON before.period_month = openings.version_month AND before.close_version = openings.close_version
    WHERE before.state = 'applied' AND before.feed IN ('invoices', 'payments')
    GROUP BY ALL
),

-- The right row comes in and the row as the source has it goes out.
replacements AS (
    SELECT * FROM corrections
    UNION ALL
    SELECT * REPLACE (-sign AS sign, MAP {}::MAP(VARCHAR, VARCHAR) AS right_values) FROM corrections
),

corrected_lines AS (
    SELECT
        replacements.period_month,
        replacements.as_of_date,
        replacements.sign,
        lines.invoice_id,
        coalesce(right_values['document_type'], lines.document_type) AS document_type,
        coalesce(right_values['invoice_date'], lines.invoice_date::VARCHAR)::DATE AS document_date,
        coalesce(right_values['account_id'], lines.account_id) AS account_id,
        nullif(coalesce(right_values['currency'], lines.currency), '') AS currency,
        coalesce(right_values['net_amount'], lines.net_amount::VARCHAR)::DECIMAL(18, 4)
        + coalesce(right_values['tax_amount'], lines.tax_amount::VARCHAR)::DECIMAL(18, 4) AS amount,
        nullif(coalesce(right_values['reference_invoice_id'], lines.reference_invoice_id), '') AS reference_invoice_id
    FROM replacements
    JOIN staging.invoices AS lines
        ON lines.invoice_id = (replacements.key_values ->> '$.invoice_id')
        AND lines.line_no = (replacements.key_values ->> '$.line_no')::INTEGER
    WHERE
        replacements.feed = 'invoices'
        AND lines.load_id <= replacements.known
        AND coalesce(lines.superseded_load_id > replacements.known, true)
),

corrected_payments AS (
    SELECT
        replacements.period_month,
        replacements.as_of_date,
        replacements.sign,
        coalesce(right_values['payment_type'], lines.payment_type) AS payment_type,
        coalesce(right_values['payment_date'], lines.payment_date::VARCHAR)::DATE AS document_date,
        coalesce(right_values['account_id'], lines.account_id) AS account_id,
        nullif(coalesce(right_values['currency'], lines.currency), '') AS currency,
        coalesce(right_values['amount'], lines.amount::VARCHAR)::DECIMAL(18, 4) AS amount,
        nullif(coalesce(right_values['invoice_id'], lines.invoice_id), '') AS invoice_id
    FROM replacements
    JOIN staging.payments AS lines
        ON lines.payment_id = (replacements.key_values ->> '$.payment_id')
        AND lines.line_no = (replacements.key_values ->> '$.line_no')::INTEGER
    WHERE
        replacements.feed = 'payments'
        AND lines.load_id <= replacements.known
        AND coalesce(lines.superseded_load_id > replacements.known, true)
),

corrected_documents AS (
    SELECT
        period_month,
        as_of_date,
        document_date,
        account_id,
        currency,
        CASE WHEN document_type = 'credit_note' THEN -sign ELSE sign END * amount AS amount
    FROM corrected_lines
    UNION ALL
    SELECT
        period_month,
        as_of_date,
        document_date,
        account_id,
        currency,
        CASE WHEN payment_type = 'refund' THEN sign ELSE -sign END * amount
    FROM corrected_payments
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
    SELECT period_month, account_id, coalesce(currency, reporting_currency), amount, 0
    FROM corrected_documents
    CROSS JOIN reporting
    WHERE document_date <= as_of_date
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
    UNION ALL
    SELECT account_id, invoice_id, currency IS NULL FROM corrected_payments WHERE invoice_id IS NOT NULL
    UNION ALL
    SELECT account_id, reference_invoice_id, false FROM corrected_lines WHERE reference_invoice_id IS NOT NULL
),

invoices AS (
    SELECT DISTINCT invoice_id, account_id, coalesce(currency, reporting_currency) <> reporting_currency AS is_foreign
    FROM (
        SELECT invoice_id, account_id, currency FROM staging.invoices
        UNION ALL
        SELECT invoice_id, account_id, currency FROM corrected_lines
    ) AS named
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
