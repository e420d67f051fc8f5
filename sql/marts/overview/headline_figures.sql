-- grain: period_month, figure_no, plan_version
-- why: the few figures that a close is announced with; each stands in its own table with its details
-- method: headline-figures-1
-- columns:
--   period_month  DATE           The month closed, as its first day
--   figure_no     INTEGER        Order in which the figures are shown
--   figure        VARCHAR        Name of the figure
--   plan_version  VARCHAR        The plan version or forecast step the figure is for; empty for the others
--   value         DECIMAL(18,4)  The figure; empty when it is undefined
--   unit          VARCHAR        Unit of the figure: the reporting currency, days, a ratio, parts per million or points
--   source_table  VARCHAR        The reporting view with the details
WITH kpis AS (
    SELECT period_month, dso_days, overdue_ratio FROM build.receivables_kpis WHERE level = 'total'
),

receivables AS (
    SELECT period_month, sum(outstanding_amount) AS outstanding_amount FROM build.receivables_summary GROUP BY period_month
),

plan AS (
    SELECT period_month, plan_version, plan_amount, actual_amount, variance_amount
    FROM build.sales_plan_summary
    WHERE level = 'total'
),

delivery AS (
    SELECT period_month, ratio(sum(otif_count), sum(line_count)) AS otif_ratio
    FROM build.delivery_performance
    WHERE basis = (SELECT delivery_basis FROM build.rating_rules WHERE account_id IS NULL)
    GROUP BY period_month
),

quality AS (
    SELECT period_month, ratio(1000000 * sum(rejected_quantity), sum(delivered_quantity)) AS ppm
    FROM build.quality_performance
    GROUP BY period_month
),

forecast AS (
    SELECT period_month, forecast_step, wape FROM build.forecast_accuracy WHERE level = 'total' AND lag = 1
),

currency AS (
    SELECT reporting_currency FROM build.settings
),

figures AS (
    SELECT period_month, 1 AS figure_no, 'Open receivables' AS figure, '' AS plan_version,
        outstanding_amount::DECIMAL(18, 4) AS value, (FROM currency) AS unit, 'receivables_summary' AS source_table
    FROM receivables
    UNION ALL
    SELECT period_month, 2, 'Of that overdue', '', overdue_ratio::DECIMAL(18, 4), 'ratio', 'receivables_kpis' FROM kpis
    UNION ALL
    SELECT period_month, 3, 'Days sales outstanding', '', dso_days::DECIMAL(18, 4), 'days', 'receivables_kpis' FROM kpis
    UNION ALL
    SELECT period_month, 4, 'Planned sales', plan_version, plan_amount::DECIMAL(18, 4), (FROM currency), 'sales_plan_summary'
    FROM plan
    UNION ALL
    SELECT period_month, 5, 'Actual sales', plan_version, actual_amount::DECIMAL(18, 4), (FROM currency), 'sales_plan_summary'
    FROM plan
    UNION ALL
    SELECT period_month, 6, 'Variance to plan', plan_version, variance_amount::DECIMAL(18, 4), (FROM currency), 'sales_plan_summary'
    FROM plan
    UNION ALL
    SELECT period_month, 7, 'On time in full', '', otif_ratio::DECIMAL(18, 4), 'ratio', 'delivery_performance' FROM delivery
    UNION ALL
    SELECT period_month, 8, 'Rejected parts', '', ppm::DECIMAL(18, 4), 'ppm', 'quality_performance' FROM quality
    UNION ALL
    SELECT period_month, 9, 'Forecast error, one month ahead', forecast_step, wape::DECIMAL(18, 4), 'ratio', 'forecast_accuracy'
    FROM forecast
)

SELECT * FROM figures
