-- fmt: off
-- invariant: All forecasts of one round for one month fill the same of account and product.
-- finding: {n} forecast (round fills|rounds fill) different columns in different rows
-- if it fails: the accuracy of the whole round is that of its coarsest row, and totals count beside their parts;
--   send one grain, and leave totals out with where or skip_footer.
-- severity: critical
-- owner: Sales controlling
-- keys: forecast_step, snapshot_month, target_month, grains
-- fmt: on
select
    target_month as period_month,
    forecast_step,
    snapshot_month,
    target_month,
    string_agg(
        distinct coalesce(
            nullif(
                concat_ws(
                    ' × ',
                    case when account_id is not null then 'account_id' end,
                    case when product_id is not null then 'product_id' end
                ),
                ''
            ),
            'neither'
        ),
        ' and '
        order by 1
    ) as grains
from batch
group by forecast_step, snapshot_month, target_month
having count(distinct(account_id is not null)) > 1 or count(distinct(product_id is not null)) > 1
