-- invariant: A month opens with the balance that the month before closed with.
-- if it fails: an amount appears or vanishes between two published months, and no lane explains it; the model's
--   opening is wrong.
-- severity: critical
-- owner: Data engineering
-- keys: account_id, currency, opening_amount_doc, last_closing_amount_doc
WITH last_month AS (
    SELECT
        periods.period_month,
        periods.previous_version,
        before.period_month AS last_period_month,
        before_built.period_month IS NOT NULL AS is_built
    FROM build.periods AS periods
    JOIN core.months AS before ON before.month_index = periods.month_index - 1
    LEFT JOIN build.periods AS before_built ON before_built.period_month = before.period_month
),

last_closing AS (
    SELECT last_month.period_month, account_id, currency, closing_amount_doc AS last_closing_amount_doc
    FROM build.receivables_rollforward AS built
    JOIN last_month
        ON last_month.last_period_month = built.period_month
        AND last_month.previous_version IS NULL
    UNION ALL
    SELECT last_month.period_month, account_id, currency, closing_amount_doc
    FROM marts.receivables_rollforward AS published
    JOIN last_month
        ON last_month.last_period_month = published.period_month
        AND last_month.previous_version = published.close_version
),

opening AS (
    SELECT rollforward.period_month, account_id, currency, opening_amount_doc
    FROM build.receivables_rollforward AS rollforward
    -- A month that follows on nothing opens with what is known of it now.
    SEMI JOIN last_month
        ON last_month.period_month = rollforward.period_month
        AND (last_month.is_built OR last_month.previous_version IS NOT NULL)
)

SELECT *
FROM opening
FULL JOIN last_closing USING (period_month, account_id, currency)
WHERE coalesce(opening_amount_doc, 0) <> coalesce(last_closing_amount_doc, 0)
