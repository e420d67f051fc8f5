-- grain: forecast item × business month from its first sale to the last snapshot needed, months without sales included
-- why: what was known of an item at a snapshot: the last actual, and how far a naive forecast had been off in sample by then
WITH wanted AS (
    SELECT item_no, max(snapshot_index) AS last_index FROM core.forecast_comparisons GROUP BY item_no
),

first_sale AS (
    SELECT item_no, min(month_index) AS first_index FROM core.item_months GROUP BY item_no
),

spine AS (
    SELECT
        item_no,
        first_sale.first_index,
        unnest(generate_series(first_sale.first_index, wanted.last_index)) AS month_index
    FROM first_sale
    JOIN wanted USING (item_no)
),

history AS (
    SELECT
        item_no,
        spine.month_index,
        spine.month_index - spine.first_index + 1 AS month_count,
        coalesce(sales.quantity, 0)::DECIMAL(18, 4) AS quantity,
        settings.forecast_season AS season
    FROM spine
    LEFT JOIN core.item_months AS sales USING (item_no, month_index)
    CROSS JOIN build.settings AS settings
),

errors AS (
    SELECT
        *,
        naive_error(quantity, 1, item_no, month_index) AS naive,
        naive_error(quantity, season, item_no, month_index) AS seasonal
    FROM history
)

SELECT
    item_no,
    month_index,
    month_count,
    quantity,
    -- A season has to have been seen twice before it can serve as the scale.
    CASE WHEN month_count >= 2 * season THEN season ELSE 1 END AS scale_lag,
    CASE
        WHEN month_count >= 2 * season THEN mean_to_date(seasonal, item_no, month_index)
        ELSE mean_to_date(naive, item_no, month_index)
    END AS in_sample_mae,
    sqrt(
        CASE
            -- The square of a DECIMAL(18, 4) does not fit one.
            WHEN month_count >= 2 * season THEN mean_to_date(seasonal::DECIMAL(28, 4) * seasonal, item_no, month_index)
            ELSE mean_to_date(naive::DECIMAL(28, 4) * naive, item_no, month_index)
        END
    ) AS in_sample_rmse
FROM errors
