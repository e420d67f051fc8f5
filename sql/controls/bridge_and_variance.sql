-- fmt: off
-- why: the explanation does not explain the gap; a lane lost or doubled an amount
-- needs: sales_plan, actual_sales
-- Rows without lanes, such as those of a plan of amounts only, have no bridge.
-- fmt: on
select
    period_month,
    'bridge lanes = variance, plan ' || plan_version as control,
    '' as currency,
    coalesce(
        'account ' || account_id,
        'part ' || product_id,
        'product line ' || product_line,
        'manager ' || document_account_manager,
        'region ' || region,
        'all sales'
    ) as item,
    volume_effect
    + mix_effect
    + price_effect
    + fx_effect
    + new_effect
    + lost_effect
    + adjustment_effect
    + rounding_effect as left_amount,
    variance_amount as right_amount
from build.sales_plan_variance
where volume_effect is not null
