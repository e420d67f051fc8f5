-- invariant: Every product that an account bought in each of the months before has a forecast for this month.
-- if it fails: its sales count against a forecast of 0 and accuracy is too low; ask for a forecast, or of 0 where the
--   product is to end.
-- severity: warning
-- owner: Sales controlling
-- keys: account_id, product_id, sold_quantity_before
-- threshold: 3 (months in a row with sales, at most 12, that make an item active)
WITH wanted AS (
    SELECT
        periods.period_month,
        periods.month_index,
        least(threshold('forecasts.active_items_have_one')::INTEGER, 12) AS month_count
    FROM build.periods AS periods
    -- A month without any forecast is what forecasts.has_rows watches.
    SEMI JOIN batch ON batch.period_month = periods.period_month
),

active AS (
    SELECT
        wanted.period_month,
        activity.account_id,
        activity.product_id,
        sum(activity.sold_quantity) AS sold_quantity_before
    FROM core.feed_activity AS activity
    JOIN build.settings AS settings
        ON activity.feed = CASE settings.forecast_actual WHEN 'ordered' THEN 'orders' ELSE 'invoices' END
    JOIN wanted ON activity.month_index BETWEEN wanted.month_index - wanted.month_count AND wanted.month_index - 1
    WHERE activity.sold_quantity > 0 AND activity.product_id IS NOT NULL
    GROUP BY wanted.period_month, wanted.month_count, activity.account_id, activity.product_id
    HAVING count(DISTINCT activity.month_index) = wanted.month_count
),

-- What accuracy compares: a forecast of its own month's end counts, one made later does not.
forecast AS (
    SELECT DISTINCT period_month, account_id, product_id
    FROM batch
    WHERE snapshot_month <= target_month
)

-- A forecast by product alone is for all accounts, one by account alone for all products.
SELECT active.*
FROM active
ANTI JOIN forecast
    ON forecast.period_month = active.period_month
    AND forecast.account_id = active.account_id
    AND forecast.product_id = active.product_id
ANTI JOIN (FROM forecast WHERE account_id IS NULL) AS by_product
    ON by_product.period_month = active.period_month
    AND by_product.product_id = active.product_id
ANTI JOIN (FROM forecast WHERE product_id IS NULL) AS by_account
    ON by_account.period_month = active.period_month
    AND by_account.account_id = active.account_id
ANTI JOIN (FROM forecast WHERE account_id IS NULL AND product_id IS NULL) AS in_all
    ON in_all.period_month = active.period_month
