-- fmt: off
-- grain: month looked back on × account × measure
-- why: how far the forecasts of an account are off, one month ahead: the error of the first step in the settings, and by how much half of
--   the items or more err to the same side, of the step where that is most. Of one item alone that says little: over twelve months the
--   tracking signal of a third of all forecasts without a bias is above 4
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    months as (select distinct looked_month, month_index from core.looked_months),

    year_sums as (
        select
            outcomes.target_index,
            outcomes.forecast_step,
            outcomes.item_no,
            sum(outcomes.actual - outcomes.forecast) over trailing_year as error_quantity,
            sum(abs(outcomes.actual - outcomes.forecast)) over trailing_year as absolute_error_quantity,
            count(*) over trailing_year as month_count
        from core.forecast_outcomes as outcomes
        where outcomes.lag = 1
        window
            trailing_year as (
                partition by outcomes.forecast_step, outcomes.item_no
                order by outcomes.target_index
                range between 11 preceding and current row
            )
    ),

    signals as (
        select
            months.looked_month,
            items.account_id,
            year_sums.forecast_step,
            shown_ratio(
                ratio(year_sums.error_quantity::double * year_sums.month_count, year_sums.absolute_error_quantity)
            ) as tracking_signal
        from year_sums
        join months on months.month_index = year_sums.target_index
        join core.forecast_items as items on items.item_no = year_sums.item_no
        where items.account_id is not null and not coalesce(items.least_unit <> items.greatest_unit, false)
    ),

    -- Two items are easily off to the same side by chance.
    one_sided as (
        select
            looked_month,
            account_id,
            forecast_step,
            greatest(- quantile_disc(tracking_signal, 0.5), - quantile_disc(- tracking_signal, 0.5))::decimal(
                36, 6
            ) as tracking_signal
        from signals
        group by looked_month, account_id, forecast_step
        having count(tracking_signal) >= 3
    ),

    errors as (
        select
            months.looked_month,
            items.account_id,
            case
                when min(items.least_unit) is not distinct from max(items.greatest_unit)
                then shown_ratio(wape(outcomes.actual, outcomes.forecast))
            end as wape
        from core.forecast_outcomes as outcomes
        cross join build.settings as settings
        join months on months.month_index = outcomes.target_index
        join core.forecast_items as items on items.item_no = outcomes.item_no
        where outcomes.lag = 1 and outcomes.forecast_step = settings.forecast_steps[1] and items.by_account
        group by months.looked_month, items.account_id
    )

select
    looked_month,
    account_id,
    'forecast_accuracy_by_item.tracking_signal' as measure,
    max(tracking_signal) as figure,
    'forecast_step ' || arg_max(forecast_step, (tracking_signal, forecast_step)) as look_at
from one_sided
group by looked_month, account_id
union all
select looked_month, account_id, 'forecast_accuracy_by_account.wape', wape, null
from errors
where account_id is not null
