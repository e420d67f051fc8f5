CREATE OR REPLACE TEMP TABLE month_visits AS
WITH planned AS (
    SELECT *, unnest(range(CASE WHEN role IN (6, 8, 11) THEN 2 WHEN key_account THEN 2 ELSE 1 END)) AS slot
    FROM accounts
), rolled AS (
    SELECT *, roll('visit|' || account_no || '|' || getvariable('month') || '|' || slot) AS visit_roll,
        month(getvariable('month')) AS calendar_month
    FROM planned
), typed AS (
    SELECT
        *,
        CASE
            WHEN slot = 1 AND role IN (6, 8, 11) THEN 'collection'
            WHEN slot = 0 AND calendar_month % 3 = 2 THEN 'voc'
            WHEN slot = 0 THEN ['sales', 'technical', 'sales'][1 + calendar_month % 3]
            ELSE ['audit', 'complaint', 'technical', 'other'][1 + (visit_roll % 4)::INTEGER]
        END AS visit_type
    FROM rolled
), dated AS (
    SELECT
        *,
        CASE WHEN visit_type = 'collection' THEN workday(getvariable('month') + 3 + die(visit_roll, 1) % 4)
            ELSE workday(getvariable('month') + 2 + die(visit_roll, 1) * 24 // 1000) END AS first_date,
        die(visit_roll, 1_000) AS fate
    FROM typed
), held AS (
    SELECT
        *,
        CASE WHEN fate < 40 AND visit_type <> 'collection' THEN NULL ELSE first_date END AS planned_date,
        CASE WHEN fate >= 930 THEN NULL
            WHEN fate >= 850 AND workday(first_date + 4) < getvariable('next_month') THEN workday(first_date + 4)
            ELSE first_date END AS visit_date
    FROM dated
)
SELECT
    format('V{}-{:04d}-{}', strftime(getvariable('month'), '%y%m'), account_no, slot + 1) AS visit_id,
    account_id, visit_type, planned_date, visit_date, account_manager,
    CASE WHEN visit_date IS NOT NULL THEN (2 + die(visit_roll, 1_000_000) % 9) * 0.5 END AS duration_hours,
    CASE WHEN visit_date IS NOT NULL THEN 90.00 + die(visit_roll, 1_000_000) % 40 * 15 END AS cost,
    visit_type = 'sales' AND visit_date IS NOT NULL AND die(visit_roll, 1_000_000_000) < 450 AS has_opportunity,
    CASE WHEN has_opportunity THEN format('OPP{}-{:04d}', strftime(getvariable('month'), '%y%m'), account_no) END
        AS opportunity_id,
    CASE WHEN has_opportunity THEN 5000.00 + 2500 * (die(visit_roll, 1_000_000_000) % 70) END AS opportunity_value,
    CASE WHEN has_opportunity THEN (1 + die(visit_roll, 1_000_000) % 9) * 0.1 END AS success_probability,
    -- one of them promises more than it will pay, one what it pays anyway
    CASE WHEN visit_type = 'collection' AND visit_date IS NOT NULL THEN round(
        sold.net_amount * CASE role WHEN 11 THEN 0.10 WHEN 6 THEN 0.50 ELSE 1.20 END * coalesce(currencies.rate, 1), -2
        )::DECIMAL(18, 2) END AS promised_payment_amount,
    CASE WHEN promised_payment_amount IS NOT NULL THEN workday(visit_date + 21) END AS promised_payment_date,
    visit_type = 'voc' AND visit_date IS NOT NULL AND role NOT IN (1, 4, 5, 7) AS is_rated,
    CASE WHEN is_rated THEN 70 + (roll(visit_id || '|quality') % 25)::INTEGER END AS rating_quality,
    CASE WHEN is_rated THEN 55 + (roll(visit_id || '|cost') % 25)::INTEGER END AS rating_cost,
    CASE WHEN is_rated THEN 65 + (roll(visit_id || '|delivery') % 25)::INTEGER END AS rating_delivery,
    CASE WHEN is_rated AND segment = 'vehicle maker' THEN 60 + (roll(visit_id || '|development') % 25)::INTEGER END
        AS rating_development,
    CASE WHEN is_rated THEN 70 + (roll(visit_id || '|management') % 25)::INTEGER END AS rating_management,
    CASE
        WHEN visit_date IS NULL THEN 'Cancelled by the customer'
        WHEN visit_type = 'collection' THEN 'Asked for a date; "by month end, no later"'
        WHEN visit_type = 'complaint' THEN 'Looked at rejected parts, sorting agreed'
        WHEN has_opportunity THEN 'New model: sample parts, then a quotation'
    END AS notes
FROM held
LEFT JOIN (SELECT account_no, net_amount FROM sold WHERE month = later_month(getvariable('month'), -1)) AS sold
    USING (account_no)
LEFT JOIN currencies USING (currency)
WHERE planned_date IS NOT NULL OR visit_date IS NOT NULL;
