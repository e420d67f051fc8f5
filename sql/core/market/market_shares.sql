-- fmt: off
-- grain: month looked back on × account or region × product line × measured: amount or quantity
-- why: our share of a market, and how much of the change to a year before comes from the market and how much from the share. A market is
--   looked at in each month in which its size is known, and a year later
-- columns:
--   looked_month         DATE
--   account_id           VARCHAR
--   region               VARCHAR
--   product_line         VARCHAR
--   measured             VARCHAR
--   own                  DECIMAL(38,4)
--   own_reason           VARCHAR
--   total                DECIMAL(34,4)
--   total_reason         VARCHAR
--   source               VARCHAR
--   is_estimate          BOOLEAN
--   share                DECIMAL(36,6)
--   share_reason         VARCHAR
--   prior_own            DECIMAL(38,4)
--   prior_own_reason     VARCHAR
--   prior_total          DECIMAL(34,4)
--   prior_total_reason   VARCHAR
--   prior_source         VARCHAR
--   prior_share          DECIMAL(36,6)
--   prior_share_reason   VARCHAR
--   share_change         DECIMAL(36,6)
--   share_change_reason  VARCHAR
--   own_change           DECIMAL(38,4)
--   market_effect        DECIMAL(36,6)
--   share_effect         DECIMAL(38,6)
--   own_change_reason    VARCHAR
-- fmt: on
with
    months as (select distinct looked_month from core.looked_months),

    compared as (
        select
            sides.month as looked_month,
            sides.* exclude (month, month_index, is_sized),
            earlier.own as prior_own,
            earlier.own_reason as prior_own_reason,
            earlier.total as prior_total,
            earlier.total_reason as prior_total_reason,
            earlier.source as prior_source,
            earlier.share as prior_share,
            earlier.share_reason as prior_share_reason,
            (sides.total - earlier.total)::double * earlier.share as exact_market_effect
        from core.market_sides as sides
        semi join months on months.looked_month = sides.month
        join
            core.market_sides as earlier
            on earlier.month_index = sides.month_index - 12
            and earlier.measured = sides.measured
            and earlier.account_id is not distinct from sides.account_id
            and earlier.region is not distinct from sides.region
            and earlier.product_line is not distinct from sides.product_line
        where sides.is_sized or earlier.is_sized
    ),

    effects as (
        select
            *,
            coalesce(
                own_reason,
                'a year before: ' || prior_share_reason,
                case when abs(exact_market_effect) >= 1e27 then 'the effect of the market is 10²⁷ or more' end
            ) as own_change_reason,
            case when own_change_reason is null then own - prior_own end as own_change,
            -- Six digits first, so that float noise does not decide a tie; to the cent, or to what a quantity has.
            case
                when own_change_reason is not null
                then null
                when measured = 'amount'
                then round(exact_market_effect::decimal(36, 6), 2)
                else round(exact_market_effect::decimal(36, 6), 4)
            end::decimal(36, 6) as market_effect
        from compared
    )

select
    looked_month,
    account_id,
    region,
    product_line,
    measured,
    own,
    own_reason,
    total,
    total_reason,
    source,
    is_estimate,
    shown_ratio(share)::decimal(36, 6) as share,
    share_reason,
    prior_own,
    prior_own_reason,
    prior_total,
    prior_total_reason,
    prior_source,
    shown_ratio(prior_share)::decimal(36, 6) as prior_share,
    prior_share_reason,
    shown_ratio(100 * (share - prior_share))::decimal(36, 6) as share_change,
    coalesce(share_reason, 'a year before: ' || prior_share_reason) as share_change_reason,
    own_change::decimal(38, 4) as own_change,
    market_effect,
    (own_change - market_effect)::decimal(38, 6) as share_effect,
    own_change_reason
from effects
