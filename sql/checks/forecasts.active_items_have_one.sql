-- fmt: off
-- invariant: Every product that an account bought in each of the months before has a forecast for this month.
-- finding: {n} (product that an account always bought has|products that accounts always bought have) no forecast for {month}
-- if it fails: its sales count against a forecast of 0 and accuracy is too low; ask for a forecast, or for one of 0 if
--   the product ends.
-- severity: warning
-- owner: Sales controlling
-- keys: account_id, product_id, sold_quantity_before
-- threshold: 3 (months in a row with sales, at most 12, that make an item active)
-- fmt: on
with
    given as (from batch where load_id not in (select load_id from ops.loads where is_made_here(source))),

    wanted as (
        select
            periods.period_month,
            periods.month_index,
            least(threshold('forecasts.active_items_have_one')::integer, 12) as month_count
        from build.periods as periods
        -- A month without any forecast is what forecasts.has_rows watches.
        semi join given on given.period_month = periods.period_month
    ),

    active as (
        select
            wanted.period_month,
            activity.account_id,
            activity.product_id,
            sum(activity.line_quantity) as sold_quantity_before
        from core.feed_activity as activity
        join
            build.settings as settings
            on activity.feed = case settings.forecast_actual when 'ordered' then 'orders' else 'invoices' end
        join wanted on activity.month_index between wanted.month_index - wanted.month_count and wanted.month_index - 1
        where activity.line_quantity > 0 and activity.product_id is not null
        group by wanted.period_month, wanted.month_count, activity.account_id, activity.product_id
        having count(distinct activity.month_index) = wanted.month_count
    ),

    -- What accuracy compares: a forecast of its own month's end counts, one made later does not. One that `kam
    -- forecast` made does not
    -- stand for one that was not sent.
    forecast as (select distinct period_month, account_id, product_id from given where snapshot_month <= target_month)

-- A forecast by product alone is for all accounts, one by account alone for all products.
select active.*
from active
anti join
    forecast
    on forecast.period_month = active.period_month
    and forecast.account_id = active.account_id
    and forecast.product_id = active.product_id
anti join
    (from forecast where account_id is null) as by_product
    on by_product.period_month = active.period_month
    and by_product.product_id = active.product_id
anti join
    (from forecast where product_id is null) as by_account
    on by_account.period_month = active.period_month
    and by_account.account_id = active.account_id
anti join
    (from forecast where account_id is null and product_id is null) as in_all
    on in_all.period_month = active.period_month
