-- fmt: off
-- grain: period_month, forecast_step, account_id
-- why: how much a schedule changes from one snapshot to the next: the snapshot of this month against the one before, over the months
--   that were still to come. Nobody can plan by a schedule that changes a lot, even if its last snapshot is right
-- method: schedule-churn-1
-- needs: forecasts
-- adds up within one: forecast_step
-- lines: core.forecasts by forecast_step where line.snapshot_month in (figure.period_month, figure.before_snapshot_month) and
--     line.target_month > figure.period_month and (figure.account_id is null or line.account_id = figure.account_id)
-- columns:
--   period_month           DATE           here: The month closed, at the end of which the new snapshot was made
--   forecast_step          VARCHAR        here: Who or what made the schedule
--   account_id             VARCHAR        here: The customer account; NULL where the step does not forecast by account
--   account_name           VARCHAR        here: Name of the account; NULL where there is no account_id
--   account_manager        VARCHAR        here: Manager of the account; NULL where there is no account_id
--   forecast_grain         VARCHAR        here: What one item is: the columns that all rows of both snapshots fill, account_product, account, product or total
--   before_snapshot_month  DATE           The snapshot compared with, the newest one before this month; NULL where there is none
--   item_month_count       BIGINT         [count; sum] Items and target months that both snapshots have; target months up to this one do not count
--   items_added            BIGINT         [count; sum] Items and target months that only the new snapshot has
--   items_dropped          BIGINT         [count; sum] Items and target months that only the snapshot before has
--   item_month_count_reason  VARCHAR      Why the counts are undefined: there is no snapshot before
--   change_quantity        DECIMAL(34,4)  [units of the item; sum; less is better] Changes without their signs, of what both have := Σ|new quantity − quantity before|
--   before_quantity        DECIMAL(34,4)  [units of the item; sum] Quantity of the snapshot before, of what both have
--   change_quantity_reason  VARCHAR       Why the quantities are undefined: no snapshot before, or items of different units
--   churn_ratio            DECIMAL(36,6)  [fraction; ratio of change_quantity ÷ before_quantity; less is better] Share of the quantity that changed
--   churn_ratio_reason     VARCHAR
-- fmt: on
with
    snapshots as (select distinct forecast_step, snapshot_month from core.forecasts),

    pairs as (
        select periods.period_month, snapshots.forecast_step, max(earlier.snapshot_month) as before_snapshot_month
        from build.periods as periods
        join snapshots on snapshots.snapshot_month = periods.period_month
        left join
            snapshots as earlier
            on earlier.forecast_step = snapshots.forecast_step
            and earlier.snapshot_month < periods.period_month
        group by periods.period_month, snapshots.forecast_step
    ),

    sides as (
        select pairs.*, account_id, product_id, target_month, quantity as new_quantity, null as old_quantity
        from pairs
        join
            core.forecasts as forecasts
            on forecasts.forecast_step = pairs.forecast_step
            and forecasts.snapshot_month = pairs.period_month
        union all
        select pairs.*, account_id, product_id, target_month, null, quantity
        from pairs
        join
            core.forecasts as forecasts
            on forecasts.forecast_step = pairs.forecast_step
            and forecasts.snapshot_month = pairs.before_snapshot_month
    ),

    to_come as (from sides where target_month > period_month),

    -- A column that any row leaves empty is left out of the comparison, as in the forecast accuracy.
    grains as (
        select
            period_month,
            forecast_step,
            bool_and(account_id is not null) as by_account,
            bool_and(product_id is not null) as by_product
        from to_come
        group by period_month, forecast_step
    ),

    items as (
        select
            to_come.period_month,
            to_come.forecast_step,
            to_come.before_snapshot_month,
            grains.by_account,
            grains.by_product,
            case when grains.by_account then to_come.account_id end as account_id,
            case when grains.by_product then to_come.product_id end as product_id,
            to_come.target_month,
            sum(to_come.new_quantity) as new_quantity,
            sum(to_come.old_quantity) as old_quantity
        from to_come
        join grains on grains.period_month = to_come.period_month and grains.forecast_step = to_come.forecast_step
        group by all
    ),

    added as (
        select
            items.period_month,
            items.forecast_step,
            items.before_snapshot_month,
            items.by_account,
            items.by_product,
            items.account_id,
            count(new_quantity + old_quantity) as item_month_count,
            count(new_quantity) - item_month_count as items_added,
            count(old_quantity) - item_month_count as items_dropped,
            coalesce(sum(abs(new_quantity - old_quantity)), 0) as change_quantity,
            coalesce(sum(old_quantity) filter (new_quantity is not null), 0) as before_quantity,
            case
                when items.before_snapshot_month is null then 'no snapshot before this one'
            end as item_month_count_reason,
            units_reason(
                min(lower(products.unit)) filter (new_quantity + old_quantity is not null)
                <> max(lower(products.unit)) filter (new_quantity + old_quantity is not null)
            ) as different_units
        from items
        left join core.products as products on products.product_id = items.product_id
        group by
            items.period_month,
            items.forecast_step,
            items.before_snapshot_month,
            items.by_account,
            items.by_product,
            items.account_id
    ),

    measured as (
        select
            * exclude (item_month_count, items_added, items_dropped, change_quantity, before_quantity),
            case
                when item_month_count_reason is null then columns('^(item_month_count|items_added|items_dropped)$')
            end,
            case when coalesce(item_month_count_reason, different_units) is null then columns('_quantity$') end,
            coalesce(item_month_count_reason, different_units) as change_quantity_reason
        from added
    )

select
    measured.*,
    case when measured.by_account then known(accounts.account_name) end as account_name,
    case when measured.by_account then known(accounts.account_manager) end as account_manager,
    forecast_grain(measured.by_account, measured.by_product) as forecast_grain,
    shown_ratio(ratio(measured.change_quantity, measured.before_quantity)) as churn_ratio,
    case
        when measured.change_quantity_reason is not null
        then measured.change_quantity_reason
        when measured.item_month_count = 0
        then 'the two snapshots have no item and month in common'
        when measured.before_quantity = 0
        then 'the snapshot before has a quantity of 0'
    end as churn_ratio_reason
from measured
left join core.accounts as accounts on accounts.account_id = measured.account_id
