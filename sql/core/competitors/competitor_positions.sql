-- fmt: off
-- grain: month looked back on × account × competitor × product line × kind of observation
-- why: the newest observation by the month's end beside our own figure: our price of the last month with sales by then, else the figure of
--   the month. Of two observations of one day the larger number counts
-- columns:
--   looked_month      DATE
--   account_id        VARCHAR
--   competitor_id     VARCHAR
--   product_line      VARCHAR
--   kind              VARCHAR
--   observation_id    VARCHAR
--   observed_on       DATE
--   age_days          BIGINT
--   product_id        VARCHAR
--   source            VARCHAR
--   visit_id          VARCHAR
--   notes             VARCHAR
--   value             DECIMAL(36,6)
--   value_reason      VARCHAR
--   our_value         DECIMAL(36,6)
--   our_value_reason  VARCHAR
--   our_month         DATE
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    records as (
        select
            undeclared_reason('invoices', settings.declared_feeds) as no_invoices,
            undeclared_reason('visits', settings.declared_feeds) as no_visits,
            undeclared_reason('market', settings.declared_feeds) as no_market,
            deliveries.no_deliveries
        from build.settings as settings
        cross join core.delivery_records as deliveries
    ),

    -- What we do for the account in a month, whatever the product line.
    service as (
        select
            looked_month,
            account_id,
            case measure when 'delivery_performance.otif_ratio' then 'otif' else 'ppm' end as kind,
            figure
        from core.delivery_headlines
        where measure in ('delivery_performance.otif_ratio', 'quality_performance.ppm')
    ),

    visits as (
        select days.period_month as looked_month, visits.account_id, count(*) as held
        from core.visits as visits
        join core.days as days on days.calendar_date = visits.visit_date
        join months on months.looked_month = days.period_month and visits.visit_date <= months.as_of_date
        group by days.period_month, visits.account_id
    ),

    beside as (
        select
            newest.*,
            case
                when newest.product_id is not null
                then {'price':parts.price, 'sales_month':parts.sales_month, 'reason':parts.price_reason}
                else {'price':lines.price, 'sales_month':lines.sales_month, 'reason':lines.price_reason}
            end as price_of
        from core.competitor_newest as newest
        asof left join
            core.competitor_own_prices as parts
            on parts.account_id = newest.account_id
            and parts.product_id = newest.product_id
            and parts.sales_month <= newest.looked_month
        asof left join
            core.competitor_own_prices as lines
            on lines.account_id = newest.account_id
            and lines.product_line = newest.said_product_line
            and lines.sales_month <= newest.looked_month
    ),

    ours as (
        select
            beside.*,
            case
                beside.kind
                when 'price'
                then price_of.price
                when 'share'
                then shares.share
                when 'otif'
                then service.figure
                when 'ppm'
                then service.figure
                when 'visit'
                then case when no_visits is null and beside.account_id is not null then coalesce(visits.held, 0) end
            end as our_value,
            case
                when beside.kind not in ('price', 'share', 'ppm', 'otif', 'visit')
                then 'we have no such figure'
                when beside.account_id is null
                then 'the observation names no account'
                when beside.kind = 'price'
                then coalesce(no_invoices, price_of.reason, 'the account has not bought it by the month end')
                when beside.kind = 'share'
                then coalesce(no_market, shares.share_reason, 'the market is not known in the month')
                when beside.kind = 'visit'
                then no_visits
                else coalesce(no_deliveries, 'nothing of ours can be compared in the month')
            end as no_value
        from beside
        left join
            service
            on service.looked_month = beside.looked_month
            and service.account_id = beside.account_id
            and service.kind = beside.kind
        left join
            core.market_shares as shares
            on shares.looked_month = beside.looked_month
            and shares.account_id = beside.account_id
            and shares.product_line = beside.product_line
            and shares.measured = 'amount'
        left join visits on visits.looked_month = beside.looked_month and visits.account_id = beside.account_id
        cross join records
    )

select
    looked_month,
    account_id,
    competitor_id,
    product_line,
    kind,
    observation_id,
    observed_on,
    as_of_date - observed_on as age_days,
    product_id,
    source,
    visit_id,
    notes,
    value,
    value_reason,
    our_value,
    case when our_value is null then no_value end as our_value_reason,
    case when kind = 'price' then price_of.sales_month end as our_month
from ours
