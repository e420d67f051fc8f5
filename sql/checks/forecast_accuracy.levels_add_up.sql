-- fmt: off
-- invariant: Every level of the forecast accuracy adds up the same items.
-- finding: {n} (level of the forecast accuracy adds|levels of the forecast accuracy add) up other items than the total
-- if it fails: the accuracy of a manager and of the company are measured over different sales; a level lost or
--   doubled items.
-- severity: critical
-- owner: Data engineering
-- keys: forecast_step, lag, level, level_n, total_n, level_actual_quantity, total_actual_quantity
-- fmt: on
with
    levels as (
        select
            period_month,
            forecast_step,
            lag,
            level,
            sum(n)::bigint as level_n,
            sum(actual_quantity) as level_actual_quantity,
            sum(absolute_error_quantity) as level_error_quantity
        from build.forecast_accuracy
        group by period_month, forecast_step, lag, level
    ),

    totals as (
        select
            period_month,
            forecast_step,
            lag,
            n as total_n,
            quantity_reason,
            actual_quantity as total_actual_quantity,
            absolute_error_quantity as total_error_quantity
        from build.forecast_accuracy
        where level = 'total'
    )

-- Where items are of different units the total has no quantities.
select *
from levels
left join totals using (period_month, forecast_step, lag)
where
    level_n is distinct from total_n
    or (quantity_reason is null and level_actual_quantity is distinct from total_actual_quantity)
    or (quantity_reason is null and level_error_quantity is distinct from total_error_quantity)
