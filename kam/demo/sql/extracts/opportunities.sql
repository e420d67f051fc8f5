-- Opportunities from lead to decision. The managers in Asia are sure of what they mostly lose; those of role 5 put off one decision.
WITH rolled AS (
    SELECT
        accounts.*, months.month,
        role = 5 AND months_left(month) = 7 AS slips,
        region = 'Asia' AS is_hopeful,
        roll('opportunity|' || account_no || '|' || month) AS opportunity_roll
    FROM accounts CROSS JOIN months
    WHERE month <= getvariable('last_month')
), opened AS (
    SELECT
        *,
        format('CRM{}-{:04d}', strftime(month, '%y%m'), account_no) AS opportunity_id,
        workday(month + 2 + die(opportunity_roll, 1) * 24 // 1000) AS opened_on,
        workday(opened_on + 30 + die(opportunity_roll, 1_000) * 15 // 1000) AS offered_on,
        workday(opened_on + 140 + die(opportunity_roll, 1_000_000) * 60 // 1000) AS decided_on,
        ['seals', 'hoses', 'windscreens', 'laminated glass', 'mounts']
            [1 + (opportunity_roll // 1_000_000_000_000 % 5)::INTEGER] AS product_line,
        ((volume * (20 + die(opportunity_roll, 1_000_000) % 60)) * coalesce(units_per_euro, 1.00))::DECIMAL(18, 0) AS value,
        CASE WHEN is_hopeful THEN 80 + die(opportunity_roll, 1_000_000_000) % 3 * 5
            ELSE 30 + die(opportunity_roll, 1_000_000_000) % 5 * 10 END AS percent,
        (opportunity_roll // 1_000_000_000_000_000 % 100)::INTEGER
            < CASE WHEN is_hopeful THEN 35 ELSE percent END AS is_won
    FROM rolled LEFT JOIN currencies USING (currency)
    WHERE slips OR account_no = 1 OR die(opportunity_roll, 1_000_000_000) < 500
), recorded AS (
    SELECT *, opened_on AS recorded_on, 'lead' AS stage, 20 AS stated, opened_on + 160 AS expected_close,
        NULL AS outcome FROM opened
    UNION ALL
    SELECT *, offered_on, 'offer', percent, CASE WHEN slips THEN opened_on + 100 ELSE decided_on + 5 END, NULL FROM opened
    UNION ALL
    SELECT *, opened_on + 105, 'offer', percent, opened_on + 160, NULL FROM opened WHERE slips
    UNION ALL
    SELECT *, decided_on, 'offer', CASE WHEN is_won THEN 100 ELSE 0 END, decided_on,
        CASE WHEN is_won THEN 'won' ELSE 'lost' END FROM opened WHERE NOT slips
)
SELECT
    opportunity_id, recorded_on, account_id, product_line, stage, value, currency,
    (stated * 0.01)::DECIMAL(18, 2) AS success_probability, expected_close, outcome,
    CASE WHEN outcome IS NOT NULL THEN decided_on END AS closed_on, account_manager
FROM recorded
WHERE recorded_on <= getvariable('cutoff')
ORDER BY opportunity_id, recorded_on
