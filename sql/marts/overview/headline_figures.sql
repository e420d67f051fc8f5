-- fmt: off
-- grain: period_month, figure_no, plan_version
-- why: the few figures that a close prints first; source_table names the table with the details
-- method: headline-figures-1
-- lines: none because each figure is one of another table, which source_table names: explain that table
-- columns:
--   period_month  DATE
--   figure_no     INTEGER        [number; none] Order in which the figures are shown
--   figure        VARCHAR        Name of the figure
--   plan_version  VARCHAR        here: The plan version or forecast step the figure is for; an empty text for the others
--   value         DECIMAL(34,4)  [as the row says; none] The figure; NULL when it is undefined
--   unit          VARCHAR        here: Unit of the figure: the reporting currency, days, a ratio, parts per million or points
--   source_table  VARCHAR        The table of reporting with the details
-- fmt: on
with
    kpis as (select period_month, dso_days, overdue_ratio from build.receivables_kpis where level = 'total'),

    receivables as (
        select period_month, sum(outstanding_amount) as outstanding_amount
        from build.receivables_summary
        group by period_month
    ),

    plan as (
        select period_month, plan_version, plan_amount, actual_amount, variance_amount
        from build.sales_plan_summary
        where level = 'total'
    ),

    delivery as (
        select period_month, ratio(sum(otif_count), sum(line_count)) as otif_ratio
        from build.delivery_performance
        where is_default_basis
        group by period_month
    ),

    -- Pieces and metres do not add up.
    quality as (
        select
            totals.period_month,
            case
                when
                    records.no_deliveries is null
                    and records.rejects_are_recorded
                    and min(totals.delivered_units.least) is not distinct from max(totals.delivered_units.greatest)
                then ratio(1000000 * sum(totals.rejected_quantity), sum(totals.delivered_quantity))
            end as ppm
        from core.delivery_quality_totals as totals
        join build.periods as periods using (period_month)
        cross join core.delivery_records as records
        group by totals.period_month, records.no_deliveries, records.rejects_are_recorded
    ),

    forecast as (
        select period_month, forecast_step, wape from build.forecast_accuracy where level = 'total' and lag = 1
    ),

    currency as (select reporting_currency from build.settings),

    figures as (
        select
            period_month,
            1 as figure_no,
            'Open receivables' as figure,
            '' as plan_version,
            outstanding_amount::decimal(34, 4) as value,
            (from currency) as unit,
            'receivables_summary' as source_table
        from receivables
        union all
        select period_month, 2, 'Of that overdue', '', overdue_ratio::decimal(34, 4), 'ratio', 'receivables_kpis'
        from kpis
        union all
        select period_month, 3, 'Days sales outstanding', '', dso_days::decimal(34, 4), 'days', 'receivables_kpis'
        from kpis
        union all
        select
            period_month,
            4,
            'Planned sales',
            plan_version,
            plan_amount::decimal(34, 4),
            (from currency),
            'sales_plan_summary'
        from plan
        union all
        select
            period_month,
            5,
            'Actual sales',
            plan_version,
            actual_amount::decimal(34, 4),
            (from currency),
            'sales_plan_summary'
        from plan
        union all
        select
            period_month,
            6,
            'Variance to plan',
            plan_version,
            variance_amount::decimal(34, 4),
            (from currency),
            'sales_plan_summary'
        from plan
        union all
        select period_month, 7, 'On time in full', '', otif_ratio::decimal(34, 4), 'ratio', 'delivery_performance'
        from delivery
        union all
        select period_month, 8, 'Rejected parts', '', ppm::decimal(34, 4), 'ppm', 'quality_performance'
        from quality
        union all
        select
            period_month,
            9,
            'Forecast error, one month ahead',
            forecast_step,
            wape::decimal(34, 4),
            'ratio',
            'forecast_accuracy'
        from forecast
    )

select *
from figures
