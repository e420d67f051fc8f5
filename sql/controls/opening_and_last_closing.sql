-- why: an amount appears or vanishes between two published months, and no lane explains it
-- needs: invoices
-- A month that follows on nothing opens with what is known of the month before now, and has nothing to tie to.
WITH openings AS (
    SELECT periods.period_month, before.period_month AS last_month, periods.previous_version
    FROM build.periods AS periods
    JOIN core.months AS before ON before.month_index = periods.month_index - 1
    WHERE
        periods.previous_version IS NOT NULL
        OR before.period_month IN (SELECT period_month FROM build.periods)
),

sides AS (
    SELECT openings.period_month, rollforward.currency, rollforward.account_id, opening_amount_doc AS left_amount, 0 AS right_amount
    FROM build.receivables_rollforward AS rollforward
    JOIN openings USING (period_month)
    UNION ALL
    SELECT openings.period_month, published.currency, published.account_id, 0, published.closing_amount_doc
    FROM marts.receivables_rollforward AS published
    JOIN openings
        ON openings.last_month = published.period_month AND openings.previous_version = published.close_version
    UNION ALL
    SELECT openings.period_month, built.currency, built.account_id, 0, built.closing_amount_doc
    FROM build.receivables_rollforward AS built
    JOIN openings ON openings.last_month = built.period_month AND openings.previous_version IS NULL
)

SELECT
    period_month,
    'opening = closing of the month before' AS control,
    currency,
    'account ' || account_id AS item,
    left_amount,
    right_amount
FROM sides
