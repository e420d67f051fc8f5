-- Vehicle makers start a new part each. Two of them have started production of it; of the others the gates come on time, but for the
-- approval of one part, which is late and moves the start of production. A part that is not sold yet has no number.
WITH newest_parts AS (
    FROM items QUALIFY row_number() OVER (PARTITION BY account_no ORDER BY place DESC) = 1
), projects AS (
    SELECT
        *, format('PRJ-{:04d}', account_no) AS project_id, role = 5 AS slips,
        -- Start of production as the customer wants it.
        CASE WHEN role IN (2, 3) THEN later_month(getvariable('last_month'), -5)
            ELSE later_month(getvariable('last_month'), 2 + account_no % 4) END AS sop
    FROM newest_parts
    WHERE segment = 'vehicle maker'
), gates AS (
    SELECT *, workday((sop + offset_days)::DATE) AS requested_date
    FROM projects CROSS JOIN (VALUES ('RFQ', -540), ('award', -420), ('OTS', -180), ('PPAP', -75), ('SOP', 0)) AS t(gate, offset_days)
), planned AS (
    SELECT
        *,
        workday(CASE WHEN slips AND gate IN ('PPAP', 'SOP') THEN later_month(getvariable('last_month'), 2) + 60 + offset_days
            ELSE requested_date + CASE WHEN gate = 'OTS' THEN 4 ELSE 0 END END) AS planned_date
    FROM gates
)
SELECT
    project_id, account_id, CASE WHEN role IN (2, 3) THEN product_id END AS product_id, gate, requested_date, planned_date,
    CASE WHEN planned_date <= getvariable('cutoff') THEN planned_date END AS actual_date,
    CASE WHEN planned_date <= getvariable('cutoff') THEN 'approved' END AS result,
    CASE WHEN gate = 'SOP' THEN 12 * base_quantity END AS annual_quantity,
    CASE WHEN gate = 'SOP' THEN base_price END AS unit_price,
    currency,
    CASE WHEN gate = 'SOP' THEN 6 END AS lifetime_years
FROM planned
ORDER BY project_id, requested_date, gate
