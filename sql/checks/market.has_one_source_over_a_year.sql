-- fmt: off
-- invariant: A market is named by the source that named it a year before.
-- finding: {n} (market is|markets are) named by another source than a year before
-- if it fails: the share changes because another source counts the market in another way; add the earlier figures of the new source.
-- severity: warning
-- owner: Sales controlling
-- keys: account_id, market_region, product_line, source, prior_year_source
-- fmt: on
with
    -- As core.market_sizes chooses: no estimate, else the first by name.
    chosen as (
        select
            month,
            account_id,
            case when account_id is null then region end as market_region,
            product_line,
            arg_min(coalesce(source, ''), (coalesce(is_estimate, false), source is null, source)) as source
        from core.market
        group by month, account_id, market_region, product_line
    )

select
    chosen.month as period_month,
    chosen.account_id,
    chosen.market_region,
    chosen.product_line,
    chosen.source,
    earlier.source as prior_year_source
from chosen
semi join build.periods as periods on periods.period_month = chosen.month
join
    chosen as earlier
    on earlier.month = chosen.month - interval 12 month
    and earlier.account_id is not distinct from chosen.account_id
    and earlier.market_region is not distinct from chosen.market_region
    and earlier.product_line is not distinct from chosen.product_line
where earlier.source <> chosen.source
