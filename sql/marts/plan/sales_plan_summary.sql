-- grain: period_month, plan_version, level, account_id, account_manager, product_line
-- why: the plan and its bridge for a manager, an account or all, as sums of the rounded rows of sales_plan_variance. A
--   level is left out where the plan's grain does not imply it; a sum is NULL where one of its rows is
-- method: pvm-acca-1
-- needs: sales_plan, actual_sales
-- columns:
--   period_month           DATE           The month closed, as its first day
--   plan_version           VARCHAR        The plan compared with
--   level                  VARCHAR        What the row adds up: total, account, account_manager or product_line
--   account_id             VARCHAR        The account, at its level
--   account_name           VARCHAR        Its name; unknown where master data has none
--   account_manager        VARCHAR        The manager; at account level the account's
--   product_line           VARCHAR        The product line, at its level
--   plan_due_date          DATE           When the version was due, from settings
--   plan_submitted_at      TIMESTAMP      When the last of the version's rows was submitted
--   submitted_on_time      BOOLEAN        Submitted by its due date; NULL when either is unknown
--   plan_quantity          DECIMAL(18,4)  Quantity planned; NULL in a plan of amounts only
--   plan_amount            DECIMAL(18,2)  Net sales planned; NULL without a rate
--   actual_quantity        DECIMAL(18,4)  Quantity sold; NULL where no line has one
--   actual_amount          DECIMAL(18,2)  Net sales; NULL without a rate
--   variance_amount        DECIMAL(18,2)  Actual less plan := actual_amount − plan_amount
--   variance_ratio         DECIMAL(18,6)  Share of the plan := variance_amount ÷ plan_amount
--   volume_effect          DECIMAL(18,2)  Explained by another total quantity
--   mix_effect             DECIMAL(18,2)  Explained by another mix of items; takes the cents left by rounding
--   price_effect           DECIMAL(18,2)  Explained by other prices
--   fx_effect              DECIMAL(18,2)  Explained by other exchange rates
--   new_effect             DECIMAL(18,2)  Sales of items not planned
--   lost_effect            DECIMAL(18,2)  Plan of items not sold
--   adjustment_effect      DECIMAL(18,2)  Sales without a quantity, or of net quantity ≤ 0
--   bridge_status          VARCHAR        complete, new, lost, nothing planned or sold, or why no lanes
--   rag                    VARCHAR        green, amber or red by variance_ratio; NULL without a plan
--   ytd_plan_quantity      DECIMAL(18,4)  Fiscal year to date: quantity planned; NULL in a plan of amounts only
--   ytd_plan_amount        DECIMAL(18,2)  Fiscal year to date: net sales planned; NULL without a rate
--   ytd_actual_quantity    DECIMAL(18,4)  Fiscal year to date: quantity sold; NULL where no line has one
--   ytd_actual_amount      DECIMAL(18,2)  Fiscal year to date: net sales; NULL without a rate
--   ytd_variance_amount    DECIMAL(18,2)  Fiscal year to date: actual less plan := ytd_actual_amount − ytd_plan_amount
--   ytd_variance_ratio     DECIMAL(18,6)  Fiscal year to date: share of the plan := ytd_variance_amount ÷ ytd_plan_amount
--   ytd_volume_effect      DECIMAL(18,2)  Fiscal year to date: explained by another total quantity
--   ytd_mix_effect         DECIMAL(18,2)  Fiscal year to date: explained by another mix of items; takes the cents left by rounding
--   ytd_price_effect       DECIMAL(18,2)  Fiscal year to date: explained by other prices
--   ytd_fx_effect          DECIMAL(18,2)  Fiscal year to date: explained by other exchange rates
--   ytd_new_effect         DECIMAL(18,2)  Fiscal year to date: sales of items not planned
--   ytd_lost_effect        DECIMAL(18,2)  Fiscal year to date: plan of items not sold
--   ytd_adjustment_effect  DECIMAL(18,2)  Fiscal year to date: sales without a quantity, or of net quantity ≤ 0
--   ytd_bridge_status      VARCHAR        Fiscal year to date: complete, new, lost, nothing planned or sold, or why no lanes
--   ytd_rag                VARCHAR        Fiscal year to date: green, amber or red by ytd_variance_ratio; NULL without a plan
--   prior_year_amount      DECIMAL(18,2)  Net sales of the same month a year before; NULL with a reason
--   prior_year_reason      VARCHAR        Why there is none: no sales on record by then, or no rate
WITH levels AS (
    SELECT plan_version, 'total' AS level FROM core.plan_versions
    UNION ALL
    SELECT plan_version, 'account' FROM core.plan_versions WHERE by_account_id
    UNION ALL
    SELECT plan_version, 'account_manager' FROM core.plan_versions WHERE by_account_manager OR by_account_id
    UNION ALL
    SELECT plan_version, 'product_line' FROM core.plan_versions WHERE by_product_line OR by_product_id
),

added_up AS (
    SELECT
        results.period_month,
        results.plan_version,
        levels.level,
        CASE WHEN levels.level = 'account' THEN results.account_id END AS account_id,
        CASE WHEN levels.level = 'account_manager' THEN results.account_manager END AS account_manager,
        CASE WHEN levels.level = 'product_line' THEN results.product_line END AS product_line,

        bool_or(results.has_plan) AS has_plan,
        bool_or(results.has_sales) AS has_sales,
        bool_or(results.has_sold_quantity) AS has_sold_quantity,
        -- In alphabetical order a missing rate comes before a missing quantity.
        min(results.bridge_reason) AS bridge_reason,
        sum(results.plan_quantity) AS plan_quantity,
        complete_sum(results.plan_amount, true) AS plan_amount,
        sum(results.actual_quantity) AS actual_quantity,
        complete_sum(results.actual_amount, true) AS actual_amount,
        complete_sum(results.volume_effect, true) AS volume_effect,
        complete_sum(results.mix_effect, true) AS mix_effect,
        complete_sum(results.price_effect, true) AS price_effect,
        complete_sum(results.fx_effect, true) AS fx_effect,
        complete_sum(results.new_effect, true) AS new_effect,
        complete_sum(results.lost_effect, true) AS lost_effect,
        complete_sum(results.adjustment_effect, true) AS adjustment_effect,
        bool_or(results.ytd_has_plan) AS ytd_has_plan,
        bool_or(results.ytd_has_sales) AS ytd_has_sales,
        bool_or(results.ytd_has_sold_quantity) AS ytd_has_sold_quantity,
        min(results.ytd_bridge_reason) AS ytd_bridge_reason,
        sum(results.ytd_plan_quantity) AS ytd_plan_quantity,
        complete_sum(results.ytd_plan_amount, true) AS ytd_plan_amount,
        sum(results.ytd_actual_quantity) AS ytd_actual_quantity,
        complete_sum(results.ytd_actual_amount, true) AS ytd_actual_amount,
        complete_sum(results.ytd_volume_effect, true) AS ytd_volume_effect,
        complete_sum(results.ytd_mix_effect, true) AS ytd_mix_effect,
        complete_sum(results.ytd_price_effect, true) AS ytd_price_effect,
        complete_sum(results.ytd_fx_effect, true) AS ytd_fx_effect,
        complete_sum(results.ytd_new_effect, true) AS ytd_new_effect,
        complete_sum(results.ytd_lost_effect, true) AS ytd_lost_effect,
        complete_sum(results.ytd_adjustment_effect, true) AS ytd_adjustment_effect,
        complete_sum(results.prior_year_amount, true) AS prior_year_amount,
        min(results.prior_year_reason) AS prior_year_reason
    FROM core.plan_results AS results
    JOIN levels USING (plan_version)
    GROUP BY 1, 2, 3, 4, 5, 6
),

sums AS (
    SELECT
        *,
        ratio(actual_amount - plan_amount, plan_amount)::DECIMAL(18, 6) AS variance_ratio,
        ratio(ytd_actual_amount - ytd_plan_amount, ytd_plan_amount)::DECIMAL(18, 6) AS ytd_variance_ratio
    FROM added_up
)

SELECT
    sums.period_month,
    sums.plan_version,
    sums.level,
    sums.account_id,
    CASE WHEN sums.level = 'account' THEN coalesce(accounts.account_name, 'unknown') END AS account_name,
    CASE sums.level
        WHEN 'account' THEN coalesce(accounts.account_manager, 'unknown')
        ELSE sums.account_manager
    END AS account_manager,
    sums.product_line,
    versions.due_date AS plan_due_date,
    versions.submitted_at AS plan_submitted_at,
    versions.submitted_on_time,
    sums.plan_quantity,
    sums.plan_amount,
    sums.actual_quantity,
    sums.actual_amount,
    sums.actual_amount - sums.plan_amount AS variance_amount,
    sums.variance_ratio,
    sums.volume_effect,
    sums.mix_effect,
    sums.price_effect,
    sums.fx_effect,
    sums.new_effect,
    sums.lost_effect,
    sums.adjustment_effect,
    bridge_status(sums.bridge_reason, sums.has_plan, sums.has_sales, sums.has_sold_quantity)
        AS bridge_status,
    rag_colour(sums.variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) AS rag,
    sums.ytd_plan_quantity,
    sums.ytd_plan_amount,
    sums.ytd_actual_quantity,
    sums.ytd_actual_amount,
    sums.ytd_actual_amount - sums.ytd_plan_amount AS ytd_variance_amount,
    sums.ytd_variance_ratio,
    sums.ytd_volume_effect,
    sums.ytd_mix_effect,
    sums.ytd_price_effect,
    sums.ytd_fx_effect,
    sums.ytd_new_effect,
    sums.ytd_lost_effect,
    sums.ytd_adjustment_effect,
    bridge_status(sums.ytd_bridge_reason, sums.ytd_has_plan, sums.ytd_has_sales, sums.ytd_has_sold_quantity)
        AS ytd_bridge_status,
    rag_colour(sums.ytd_variance_ratio, settings.rag_green_ratio, settings.rag_amber_ratio) AS ytd_rag,
    sums.prior_year_amount,
    sums.prior_year_reason
FROM sums
CROSS JOIN build.settings AS settings
JOIN core.plan_versions AS versions USING (plan_version)
LEFT JOIN core.accounts AS accounts ON accounts.account_id = sums.account_id
