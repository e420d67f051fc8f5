-- why: the explanation does not explain the gap; a lane lost or doubled an amount
-- needs: sales_plan, actual_sales
-- Rows without lanes, such as those of a plan of amounts only, have no bridge.
SELECT
    period_month,
    'bridge lanes = variance, plan ' || plan_version AS control,
    '' AS currency,
    coalesce(
        'account ' || account_id,
        'part ' || product_id,
        'product line ' || product_line,
        'manager ' || account_manager,
        'region ' || region,
        'all sales'
    ) AS item,
    volume_effect + mix_effect + price_effect + fx_effect + new_effect + lost_effect + adjustment_effect AS left_amount,
    variance_amount AS right_amount
FROM build.sales_plan_variance
WHERE volume_effect IS NOT NULL
