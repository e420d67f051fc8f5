-- grain: payment line, or credit note × invoice it refers to
-- why: all that reduces (a refund: adds to) what is owed, and from when the document it names takes it
WITH lines AS (
    SELECT
        payment_id AS document_id,
        line_no,
        account_id,
        NULL AS account_manager,
        invoice_id,
        instalment_no,
        payment_date AS document_date,
        currency,
        false AS disputed,
        CASE payment_type
            WHEN 'receipt' THEN 'received'
            WHEN 'discount' THEN 'discount'
            WHEN 'write_off' THEN 'written_off'
            ELSE 'refunded'
        END AS lane,
        amount AS amount_doc
    FROM core.payments
    UNION ALL
    SELECT
        invoice_id,
        min(line_no),
        min(account_id),
        min(account_manager),
        reference_invoice_id,
        NULL,
        min(invoice_date),
        min(currency),
        coalesce(bool_or(disputed), false),
        'credited',
        sum(net_amount + tax_amount)::DECIMAL(18, 4)
    FROM core.invoices
    WHERE document_type = 'credit_note'
    GROUP BY invoice_id, reference_invoice_id
),

named AS (
    SELECT
        lines.*,
        documents.account_id AS invoice_account_id,
        documents.account_manager AS invoice_account_manager,
        documents.currency AS invoice_currency,
        -- Before this day nobody can know the document that is named.
        greatest(lines.document_date, documents.document_date) AS known_from,
        lines.currency IS NULL OR lines.currency = documents.currency AS same_currency
    FROM lines
    LEFT JOIN core.receivable_documents AS documents ON documents.invoice_id = lines.invoice_id
)

SELECT
    named.document_id,
    named.line_no,
    named.lane,
    named.account_id,
    coalesce(named.account_manager, accounts.account_manager, 'unknown') AS account_manager,
    named.document_date,
    named.disputed,
    named.amount_doc,
    named.invoice_id,
    named.instalment_no,
    named.invoice_account_id,
    named.invoice_account_manager,
    -- A payment without a currency has its invoice's, but only once the invoice is known.
    coalesce(named.currency, settings.reporting_currency) AS currency_before,
    coalesce(named.currency, named.invoice_currency, settings.reporting_currency) AS currency,
    CASE WHEN named.invoice_account_id IS NOT NULL THEN named.known_from END AS known_from,
    CASE WHEN named.invoice_account_id IS NOT NULL AND named.same_currency THEN named.known_from END AS applied_from
FROM named
CROSS JOIN build.settings AS settings
LEFT JOIN core.accounts AS accounts ON accounts.account_id = named.account_id
