-- fmt: off
-- grain: month looked back on × account × measure
-- why: the figures that rules of flags look at, in one shape. Each is as known now, in the month built as in those before.
--   `seen` says from which built months: always, or only in the fiscal year. `basis` parts what is not to be compared,
--   `look_at` names the row of the table
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   basis         VARCHAR
--   figure        DECIMAL(36,6)
--   own_limit     DECIMAL(36,6)
--   look_at       VARCHAR
--   seen          VARCHAR
-- fmt: on
with
    rated as (
        select period_month, account_id, source, score
        from core.rating_scores
        where dimension = 'overall'
        -- The customer's score, else our own.
        qualify row_number() over (partition by period_month, account_id order by source) = 1
    ),

    delivered as (
        select totals.period_month, totals.account_id, totals.basis, ratio(totals.otif_count, totals.line_count) as otif
        from core.delivery_month_totals as totals
        cross join core.delivery_records as records
        join
            core.rating_rules as rules
            on rules.period_month = totals.period_month
            and rules.account_id = totals.account_id
            and rules.delivery_basis = totals.basis
        where records.no_deliveries is null
    ),

    plans as (
        select
            looked_month,
            account_id,
            min(ytd_variance_ratio) as ytd_variance_ratio,
            arg_min(plan_version, (ytd_variance_ratio, plan_version)) as plan_version
        from core.flag_plans
        where ytd_variance_ratio is not null
        group by looked_month, account_id
    ),

    -- Figures have at most 30 digits before the point here: then the union takes none after it away.
    figures as (
        select
            looked_month,
            account_id,
            'receivables_kpis_by_account.overdue_ratio' as measure,
            null as basis,
            overdue_ratio as figure,
            null::decimal(36, 6) as own_limit,
            null as look_at,
            'always' as seen
        from core.flag_receivables
        union all by name
        select
            looked_month, account_id, 'receivables_kpis_by_account.closing_amount' as measure, closing_amount as figure
        from core.flag_receivables
        union all by name
        select
            receivables.looked_month,
            receivables.account_id,
            'receivables_kpis_by_account.exposure' as measure,
            receivables.closing_amount as figure,
            receivables.credit_limit as own_limit
        from core.flag_receivables as receivables
        cross join build.settings as settings
        where settings.credit_exposure = 'outstanding'
        union all by name
        -- Open orders are known for the months built only.
        select
            period_month as looked_month,
            account_id,
            'receivables_kpis_by_account.exposure' as measure,
            exposure as figure,
            credit_limit as own_limit,
            'at the close' as seen
        from build.receivables_kpis
        cross join build.settings as settings
        where level = 'account' and settings.credit_exposure <> 'outstanding'
        union all by name
        select looked_month, account_id, 'promises.state' as measure, broken_count as figure
        from core.flag_promises
        union all by name
        select
            period_month as looked_month,
            account_id,
            'vendor_rating.score' as measure,
            source as basis,
            score as figure,
            'dimension overall' as look_at
        from rated
        union all by name
        select
            looked_month,
            account_id,
            'sales_plan_summary_by_account.ytd_variance_ratio' as measure,
            ytd_variance_ratio as figure,
            'plan_version ' || plan_version as look_at,
            'in the fiscal year' as seen
        from plans
        union all by name
        select
            looked_month,
            account_id,
            'forecast_accuracy_by_item.tracking_signal' as measure,
            largest_tracking_signal as figure,
            'product_id ' || coalesce(product_id, 'none') as look_at
        from core.flag_forecasts
        union all by name
        select
            period_month as looked_month,
            account_id,
            'delivery_performance.otif_ratio' as measure,
            shown_ratio(otif) as figure,
            'basis ' || basis as look_at
        from delivered
        union all by name
        select
            totals.period_month as looked_month,
            totals.account_id,
            'quality_performance.ppm' as measure,
            shown_ratio(ratio(totals.rejected_quantity * 1000000, totals.delivered_quantity)) as figure
        from core.delivery_quality_totals as totals
        cross join core.delivery_records as records
        where
            records.no_deliveries is null
            and records.rejects_are_recorded
            and totals.delivered_units.least is not distinct from totals.delivered_units.greatest
        union all by name
        select looked_month, account_id, 'visits.days_since_last' as measure, days_since_last_visit as figure
        from core.flag_visits
        union all by name
        select looked_month, account_id, 'sales.net_amount' as measure, net_amount as figure
        from core.flag_sales
    )

select
    looked_month,
    account_id,
    measure,
    basis,
    figure::decimal(36, 6) as figure,
    own_limit::decimal(36, 6) as own_limit,
    look_at,
    coalesce(seen, 'always') as seen
from figures
where account_id is not null
