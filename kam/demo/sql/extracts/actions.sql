-- Tasks out of meetings with customers. Most are done about the day on which they are due; those of one account are done late or never.
WITH drawn AS (
    SELECT
        account_id, account_no, role, account_manager, month, number,
        roll('action|' || account_no || '|' || month || '|' || number) AS action_roll
    FROM accounts CROSS JOIN months CROSS JOIN (VALUES (1), (2)) AS t(number)
    WHERE month <= getvariable('last_month') AND die(action_roll, 1) < 500
), dated AS (
    SELECT
        *,
        workday(month + 2 + die(action_roll, 1_000) * 20 // 1000) AS opened_date,
        workday(opened_date + 14 + die(action_roll, 1_000_000) * 30 // 1000) AS due_date,
        workday(due_date - 6 + die(action_roll, 1_000_000_000) * CASE WHEN role = 8 THEN 90 ELSE 11 END // 1000) AS ended_on
    FROM drawn
), known AS (
    SELECT *, CASE WHEN ended_on <= getvariable('cutoff') THEN ended_on END AS known_end, (account_no + month(month)) % 12 = 0 AS is_given_up
    FROM dated
    WHERE opened_date <= getvariable('cutoff')
)
SELECT
    format('T{:04d}-{}-{}', account_no, strftime(month, '%Y%m'), number) AS action_id,
    account_id,
    ['to_do', 'action_plan', 'corrective', 'commitment'][1 + (die(action_roll, 1) % 4)::INTEGER] AS kind,
    account_manager AS owner,
    opened_date,
    due_date,
    CASE WHEN NOT is_given_up THEN known_end END AS done_date,
    CASE WHEN is_given_up THEN known_end END AS cancelled_date,
    coalesce(known_end, greatest(opened_date, workday(getvariable('cutoff') - die(action_roll, 1) * 16 // 1000))) AS updated_date,
    ['Send the samples', 'Agree on the delivery schedule', 'Answer the complaint', 'Offer the new price list'][
        1 + (die(action_roll, 1_000) % 4)::INTEGER
    ] AS title,
    CASE title
        WHEN 'Agree on the delivery schedule' THEN 'delivery_performance.otif_ratio'
        WHEN 'Answer the complaint' THEN 'quality_performance.ppm'
    END AS measure,
    CASE title WHEN 'Agree on the delivery schedule' THEN 0.95 WHEN 'Answer the complaint' THEN 100 END AS target
FROM known
ORDER BY action_id
