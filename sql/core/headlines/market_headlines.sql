-- fmt: off
-- grain: month looked back on × account with a market × measure
-- why: our share of what an account buys, over its product lines, and its change against the same month a year before, over the lines whose
--   market is known in both. The row to look at is the product line whose share cost us most
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
--   look_at       VARCHAR
-- fmt: on
with
    shares as (
        select
            *,
            own_reason is null as has_share,
            own_reason is null and prior_own_reason is null as has_both,
            coalesce(product_line, 'all together') as line
        from core.market_shares
        where account_id is not null and measured = 'amount'
    ),

    accounts as (
        select
            looked_month,
            account_id,
            shown_ratio(ratio(sum(own) filter (has_share), sum(total) filter (has_share))) as share,
            shown_ratio(
                100 * (
                    ratio(sum(own) filter (has_both), sum(total) filter (has_both))
                    - ratio(sum(prior_own) filter (has_both), sum(prior_total) filter (has_both))
                )
            ) as share_change,
            arg_min(line, (share_effect, line)) filter (share_effect is not null) as worst_line
        from shares
        group by looked_month, account_id
    )

select
    looked_month,
    account_id,
    'market_share.share_ratio' as measure,
    share::decimal(36, 6) as figure,
    null::varchar as look_at
from accounts
union all
select
    looked_month,
    account_id,
    'market_share.share_change_points',
    share_change::decimal(36, 6),
    'product_line ' || worst_line
from accounts
