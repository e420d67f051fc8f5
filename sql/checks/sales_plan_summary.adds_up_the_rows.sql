-- fmt: off
-- invariant: Every level of the plan summary adds up the rows of the plan variance.
-- finding: {n} (total of the plan summary is|totals of the plan summary are) not the sum of the plan variance
-- if it fails: the total shown to management is not the sum of what its account managers see; the summary's model
--   lost or doubled rows.
-- severity: critical
-- owner: Data engineering
-- keys: plan_version, level, summary_plan_amount, rows_plan_amount, summary_actual_amount, rows_actual_amount
-- fmt: on
with
    -- Totals are rounded after the sum, so rounded rows may add up to some cents more or less; rounding_effect says
    -- how many.
    plan_rows as (
        select
            period_month,
            plan_version,
            count(*) as row_count,
            complete_sum(plan_amount, true) as plan_amount,
            complete_sum(actual_amount, true) as actual_amount,
            complete_sum(variance_amount - rounding_effect, true) as variance_amount,
            case
                when count(ytd_variance_amount) > 0 or count(*) > count(ytd_left_out)
                then
                    complete_sum(
                        ytd_variance_amount - ytd_rounding_effect,
                        ytd_variance_amount is not null or ytd_left_out is null
                    )
            end as ytd_variance_amount
        from build.sales_plan_variance
        group by period_month, plan_version
    ),

    levels as (
        select
            period_month,
            plan_version,
            level,
            complete_sum(plan_amount, true) as plan_amount,
            complete_sum(actual_amount, true) as actual_amount,
            complete_sum(variance_amount, true) as whole_variance_amount,
            complete_sum(variance_amount - rounding_effect, true) as variance_amount,
            case
                when count(ytd_variance_amount) > 0 or count(*) > count(ytd_left_out)
                then
                    complete_sum(
                        ytd_variance_amount - ytd_rounding_effect,
                        ytd_variance_amount is not null or ytd_left_out is null
                    )
            end as ytd_variance_amount
        from build.sales_plan_summary
        group by period_month, plan_version, level
    ),

    -- Every version has at least its total.
    expected as (
        select distinct period_month, plan_version, level
        from levels
        union
        select period_month, plan_version, 'total'
        from plan_rows
    )

select
    period_month,
    plan_version,
    level,
    levels.plan_amount as summary_plan_amount,
    plan_rows.plan_amount as rows_plan_amount,
    levels.actual_amount as summary_actual_amount,
    plan_rows.actual_amount as rows_actual_amount
from expected
left join levels using (period_month, plan_version, level)
left join plan_rows using (period_month, plan_version)
where
    levels.variance_amount is distinct from plan_rows.variance_amount
    or levels.ytd_variance_amount is distinct from plan_rows.ytd_variance_amount
    or (levels.plan_amount is null) <> (plan_rows.plan_amount is null)
    or (levels.actual_amount is null) <> (plan_rows.actual_amount is null)
    or abs(levels.plan_amount - plan_rows.plan_amount) > 0.01 * plan_rows.row_count
    or abs(levels.actual_amount - plan_rows.actual_amount) > 0.01 * plan_rows.row_count
    or levels.actual_amount - levels.plan_amount is distinct from levels.whole_variance_amount
