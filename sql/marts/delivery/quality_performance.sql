-- grain: period_month, account_id
-- why: what customers sent back or complained about, against what was delivered to them
-- method: quality-performance-1
-- needs: orders|issues
-- columns:
--   period_month             DATE           The month closed, as its first day
--   account_id               VARCHAR        The customer account
--   account_name             VARCHAR        Name of the customer; unknown where master data has none
--   account_manager          VARCHAR        Manager of the account; unknown where master data has none
--   delivered_quantity       DECIMAL(18,4)  Quantity delivered in the month, rejected goods included
--   rejected_quantity        DECIMAL(18,4)  Of the deliveries of the month, what the customer rejected; NULL when no source says what was rejected
--   ppm                      DECIMAL(18,6)  Rejected parts per million delivered; NULL when nothing was delivered := rejected_quantity ÷ delivered_quantity × 1,000,000
--   ppm_reason               VARCHAR        Why there are no parts per million; NULL where there are
--   complaint_count          BIGINT         Complaints opened in the month
--   complaint_quantity       DECIMAL(18,4)  Quantity that the complaints opened in the month concern
--   ytd_delivered_quantity   DECIMAL(18,4)  Quantity delivered in the fiscal year to date, rejected goods included
--   ytd_rejected_quantity    DECIMAL(18,4)  Of the deliveries of the fiscal year to date, what the customer rejected; NULL when no source says what was rejected
--   ytd_ppm                  DECIMAL(18,6)  Rejected parts per million delivered in the fiscal year to date, from totals := ytd_rejected_quantity ÷ ytd_delivered_quantity × 1,000,000
--   ytd_complaint_count      BIGINT         Complaints opened in the fiscal year to date
--   ytd_complaint_quantity   DECIMAL(18,4)  Quantity that the complaints opened in the fiscal year to date concern
WITH to_date AS (
    SELECT
        periods.period_month,
        totals.account_id,
        coalesce(sum(totals.delivered_quantity) FILTER (totals.period_month = periods.period_month), 0) AS delivered_quantity,
        CASE
            WHEN any_value(records.rejects_are_recorded)
                THEN coalesce(sum(totals.rejected_quantity) FILTER (totals.period_month = periods.period_month), 0)
        END AS rejected_quantity,
        coalesce(sum(totals.complaint_count) FILTER (totals.period_month = periods.period_month), 0) AS complaint_count,
        coalesce(sum(totals.complaint_quantity) FILTER (totals.period_month = periods.period_month), 0) AS complaint_quantity,
        sum(totals.delivered_quantity) AS ytd_delivered_quantity,
        CASE WHEN any_value(records.rejects_are_recorded) THEN sum(totals.rejected_quantity) END AS ytd_rejected_quantity,
        sum(totals.complaint_count) AS ytd_complaint_count,
        sum(totals.complaint_quantity) AS ytd_complaint_quantity
    FROM build.periods AS periods
    JOIN core.delivery_quality_totals AS totals
      ON totals.period_month BETWEEN periods.fiscal_year_first_month AND periods.period_month
    CROSS JOIN core.delivery_records AS records
    GROUP BY periods.period_month, totals.account_id
)

SELECT
    to_date.*,
    coalesce(accounts.account_name, 'unknown') AS account_name,
    coalesce(accounts.account_manager, 'unknown') AS account_manager,
    ratio(to_date.rejected_quantity * 1000000, to_date.delivered_quantity) AS ppm,
    CASE
        WHEN to_date.delivered_quantity = 0 THEN 'nothing was delivered'
        WHEN to_date.rejected_quantity IS NULL THEN 'no source says what was rejected'
    END AS ppm_reason,
    ratio(to_date.ytd_rejected_quantity * 1000000, to_date.ytd_delivered_quantity) AS ytd_ppm
FROM to_date
LEFT JOIN core.accounts AS accounts USING (account_id)
