-- fmt: off
-- grain: month × account or region × product line × source
-- why: how large a market is, as each source says it, in the months that a month built looks at and a year before these. Of several
--   sources one counts, for the amount and for the quantity by itself: one that is no estimate, else the first by name. An amount
--   is at the average rate of the month, as sales are. A row with an account is of the account, whatever its region is
-- lines: core.market by month, account_id, region = given_region, product_line, source
-- columns:
--   month             DATE
--   account_id        VARCHAR
--   region            VARCHAR
--   given_region      VARCHAR
--   product_line      VARCHAR
--   source            VARCHAR
--   is_estimate       BOOLEAN
--   currency          VARCHAR
--   total_amount      DECIMAL(32,2)
--   amount_reason     VARCHAR
--   total_quantity    DECIMAL(18,4)
--   is_amount_used    BOOLEAN
--   is_quantity_used  BOOLEAN
-- fmt: on
with
    months as (
        select distinct months.period_month
        from core.looked_months as looked
        join core.months as months on months.month_index in (looked.month_index, looked.month_index - 12)
    ),

    given as (
        select
            market.*,
            case when market.account_id is null then market.region end as market_region,
            coalesce(market.is_estimate, false) as is_estimated
        from core.market as market
        semi join months on months.period_month = market.month
    )

select
    given.month,
    given.account_id,
    given.market_region as region,
    given.region as given_region,
    given.product_line,
    given.source,
    given.is_estimated as is_estimate,
    given.currency,
    converted(given.total_amount, rates.average_rate) as total_amount,
    case when given.total_amount is not null then rate_reason(rates.average_rate, given.currency) end as amount_reason,
    given.total_quantity,
    given.total_amount is not null
    and row_number() over (
        partition by given.month, given.account_id, given.market_region, given.product_line
        order by given.total_amount is null, given.is_estimated, given.source nulls last, given.region nulls first
    )
    = 1 as is_amount_used,
    given.total_quantity is not null
    and row_number() over (
        partition by given.month, given.account_id, given.market_region, given.product_line
        order by given.total_quantity is null, given.is_estimated, given.source nulls last, given.region nulls first
    )
    = 1 as is_quantity_used
from given
left join core.month_rates as rates on rates.period_month = given.month and rates.currency = given.currency
