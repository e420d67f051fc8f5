-- fmt: off
-- grain: period_month, account_id, region, product_line
-- why: our share of what a customer, or a region, buys of a product line from all suppliers, against the same month a year before: how much of
--   the change of our sales comes from the market, and how much from the share. A market has a row where its size is known in the month or a
--   year before. A row is of an account or of a region
-- method: market-share-1
-- needs: market
-- adds up within one: market_of
-- lines: core.item_sales_amounts by sales_month = period_month where (figure.account_id is null or line.account_id = figure.account_id)
--     and (figure.region is null or figure.region = (select known(accounts.region) from core.accounts as accounts where
--     accounts.account_id = line.account_id)) and (figure.product_line is null or figure.product_line = coalesce((select
--     known(products.product_line) from core.products as products where products.product_id = line.product_id), known(null))) sums
--     own_amount = net_amount, own_quantity = net_quantity;
--   core.market_sizes by month = period_month, account_id, region, product_line sums total_amount = case when is_amount_used then
--     total_amount end, total_quantity = case when is_quantity_used then total_quantity end;
--   for prior_year_*: core.item_sales_amounts where line.sales_month = (figure.period_month - interval 12 month)::date and
--     (figure.account_id is null or line.account_id = figure.account_id) and (figure.region is null or figure.region = (select
--     known(accounts.region) from core.accounts as accounts where accounts.account_id = line.account_id)) and (figure.product_line is
--     null or figure.product_line = coalesce((select known(products.product_line) from core.products as products where
--     products.product_id = line.product_id), known(null))) sums prior_year_own_amount = net_amount, prior_year_own_quantity =
--     net_quantity;
--   for prior_year_*: core.market_sizes by account_id, region, product_line where line.month = (figure.period_month - interval 12
--     month)::date sums prior_year_total_amount = case when is_amount_used then total_amount end, prior_year_total_quantity = case when
--     is_quantity_used then total_quantity end;
--   for lost_item_count: core.market_lost_items by period_month where (figure.account_id is null or line.account_id = figure.account_id)
--     and (figure.region is null or line.region = figure.region) and (figure.product_line is null or line.product_line =
--     figure.product_line) sums lost_item_count = 1
-- columns:
--   period_month                         DATE
--   market_of                            VARCHAR        What the market is of: account or region. Rows of the two overlap
--   account_id                           VARCHAR        here: The customer account; NULL in rows of regions
--   account_name                         VARCHAR        here: Name of the account; unknown where master data has none, NULL in rows of regions
--   account_manager                      VARCHAR        here: Manager of the account; unknown where master data has none, NULL in rows of regions
--   region                               VARCHAR        The region, with our sales to all accounts of it; NULL in rows of accounts
--   product_line                         VARCHAR        here: Product line; NULL where the market is of all product lines together
--   own_amount                           DECIMAL(32,2)  [reporting currency; sum; more is better] Our net sales in the month; NULL where the amount of the market is not known, so that its sum belongs to that of the market
--   own_amount_reason                    VARCHAR
--   total_amount                         DECIMAL(32,2)  [reporting currency; sum] Amount bought from all suppliers in the month, us included
--   total_amount_reason                  VARCHAR
--   total_amount_source                  VARCHAR        Who names the amount of the market
--   total_amount_is_estimate             BOOLEAN        Whether the amount of the market is an estimate
--   share_ratio                          DECIMAL(36,6)  [fraction; ratio of own_amount ÷ total_amount; more is better] Our share of the amount bought
--   share_ratio_reason                   VARCHAR
--   prior_year_own_amount                DECIMAL(32,2)  [reporting currency; sum] Same month a year before: our net sales; NULL where the amount of the market is not known
--   prior_year_own_amount_reason         VARCHAR
--   prior_year_total_amount              DECIMAL(32,2)  [reporting currency; sum] Same month a year before: amount bought from all suppliers
--   prior_year_total_amount_reason       VARCHAR
--   prior_year_total_amount_source       VARCHAR        Who names the amount of a year before
--   prior_year_share_ratio               DECIMAL(36,6)  [fraction; ratio of prior_year_own_amount ÷ prior_year_total_amount] Same month a year before: our share
--   prior_year_share_ratio_reason        VARCHAR
--   share_change_points                  DECIMAL(36,6)  [percentage points; none; more is better] What the share rose by := (share_ratio − prior_year_share_ratio) × 100
--   share_change_points_reason           VARCHAR
--   own_change_amount                    DECIMAL(32,2)  [reporting currency; sum; more is better] What our sales rose by, where both shares are known := own_amount − prior_year_own_amount
--   own_change_amount_reason             VARCHAR        Why own_change_amount is undefined; its two effects are undefined then too
--   market_effect_amount                 DECIMAL(32,2)  [reporting currency; sum; more is better] Of this, what comes from a larger market at the share of a year before := (total_amount − prior_year_total_amount) × prior_year_share_ratio, with the exact share
--   share_effect_amount                  DECIMAL(32,2)  [reporting currency; sum; more is better] Of this, what comes from a larger share of the market; takes the remainder of rounding := total_amount × (share_ratio − prior_year_share_ratio)
--   own_quantity                         DECIMAL(34,4)  [units of the item; sum; more is better] Our net quantity in the month; NULL where the quantity of the market is not known, so that its sum belongs to that of the market
--   own_quantity_reason                  VARCHAR
--   total_quantity                       DECIMAL(34,4)  [units of the item; sum] Quantity bought from all suppliers in the month, us included
--   total_quantity_reason                VARCHAR
--   total_quantity_source                VARCHAR        Who names the quantity of the market
--   total_quantity_is_estimate           BOOLEAN        Whether the quantity of the market is an estimate
--   quantity_share_ratio                 DECIMAL(36,6)  [fraction; ratio of own_quantity ÷ total_quantity; more is better] Our share of the quantity bought
--   quantity_share_ratio_reason          VARCHAR
--   prior_year_own_quantity              DECIMAL(34,4)  [units of the item; sum] Same month a year before: our net quantity; NULL where the quantity of the market is not known
--   prior_year_own_quantity_reason       VARCHAR
--   prior_year_total_quantity            DECIMAL(34,4)  [units of the item; sum] Same month a year before: quantity bought from all suppliers
--   prior_year_total_quantity_reason     VARCHAR
--   prior_year_total_quantity_source     VARCHAR        Who names the quantity of a year before
--   prior_year_quantity_share_ratio      DECIMAL(36,6)  [fraction; ratio of prior_year_own_quantity ÷ prior_year_total_quantity] Same month a year before: our share
--   prior_year_quantity_share_ratio_reason VARCHAR
--   quantity_share_change_points         DECIMAL(36,6)  [percentage points; none; more is better] What the share rose by := (quantity_share_ratio − prior_year_quantity_share_ratio) × 100
--   quantity_share_change_points_reason  VARCHAR
--   own_change_quantity                  DECIMAL(34,4)  [units of the item; sum; more is better] What our sales rose by, where both shares are known := own_quantity − prior_year_own_quantity
--   own_change_quantity_reason           VARCHAR        Why own_change_quantity is undefined; its two effects are undefined then too
--   market_effect_quantity               DECIMAL(34,4)  [units of the item; sum; more is better] Of this, what comes from a larger market at the share of a year before := (total_quantity − prior_year_total_quantity) × prior_year_quantity_share_ratio, with the exact share
--   share_effect_quantity                DECIMAL(34,4)  [units of the item; sum; more is better] Of this, what comes from a larger share of the market; takes the remainder of rounding := total_quantity × (quantity_share_ratio − prior_year_quantity_share_ratio)
--   lost_item_count                      BIGINT         [count; last in time; less is better] Parts, per account, that were bought in the twelve months before the last three, and not in these; lost_items lists them
--   lost_item_count_reason               VARCHAR
-- fmt: on
with
    rows_of_months as (
        select shares.*
        from core.market_shares as shares
        semi join build.periods as periods on periods.period_month = shares.looked_month
    ),

    figures as (
        select
            looked_month as period_month,
            account_id,
            region,
            product_line,
            any_value(own) filter (measured = 'amount') as own_amount,
            any_value(own_reason) filter (measured = 'amount') as own_amount_reason,
            any_value(total) filter (measured = 'amount') as total_amount,
            any_value(total_reason) filter (measured = 'amount') as total_amount_reason,
            any_value(source) filter (measured = 'amount') as total_amount_source,
            any_value(is_estimate) filter (measured = 'amount') as total_amount_is_estimate,
            any_value(share) filter (measured = 'amount') as share_ratio,
            any_value(share_reason) filter (measured = 'amount') as share_ratio_reason,
            any_value(prior_own) filter (measured = 'amount') as prior_year_own_amount,
            any_value(prior_own_reason) filter (measured = 'amount') as prior_year_own_amount_reason,
            any_value(prior_total) filter (measured = 'amount') as prior_year_total_amount,
            any_value(prior_total_reason) filter (measured = 'amount') as prior_year_total_amount_reason,
            any_value(prior_source) filter (measured = 'amount') as prior_year_total_amount_source,
            any_value(prior_share) filter (measured = 'amount') as prior_year_share_ratio,
            any_value(prior_share_reason) filter (measured = 'amount') as prior_year_share_ratio_reason,
            any_value(share_change) filter (measured = 'amount') as share_change_points,
            any_value(share_change_reason) filter (measured = 'amount') as share_change_points_reason,
            any_value(own_change) filter (measured = 'amount') as own_change_amount,
            any_value(own_change_reason) filter (measured = 'amount') as own_change_amount_reason,
            any_value(market_effect) filter (measured = 'amount') as market_effect_amount,
            any_value(share_effect) filter (measured = 'amount') as share_effect_amount,
            any_value(own) filter (measured = 'quantity') as own_quantity,
            any_value(own_reason) filter (measured = 'quantity') as own_quantity_reason,
            any_value(total) filter (measured = 'quantity') as total_quantity,
            any_value(total_reason) filter (measured = 'quantity') as total_quantity_reason,
            any_value(source) filter (measured = 'quantity') as total_quantity_source,
            any_value(is_estimate) filter (measured = 'quantity') as total_quantity_is_estimate,
            any_value(share) filter (measured = 'quantity') as quantity_share_ratio,
            any_value(share_reason) filter (measured = 'quantity') as quantity_share_ratio_reason,
            any_value(prior_own) filter (measured = 'quantity') as prior_year_own_quantity,
            any_value(prior_own_reason) filter (measured = 'quantity') as prior_year_own_quantity_reason,
            any_value(prior_total) filter (measured = 'quantity') as prior_year_total_quantity,
            any_value(prior_total_reason) filter (measured = 'quantity') as prior_year_total_quantity_reason,
            any_value(prior_source) filter (measured = 'quantity') as prior_year_total_quantity_source,
            any_value(prior_share) filter (measured = 'quantity') as prior_year_quantity_share_ratio,
            any_value(prior_share_reason) filter (measured = 'quantity') as prior_year_quantity_share_ratio_reason,
            any_value(share_change) filter (measured = 'quantity') as quantity_share_change_points,
            any_value(share_change_reason) filter (measured = 'quantity') as quantity_share_change_points_reason,
            any_value(own_change) filter (measured = 'quantity') as own_change_quantity,
            any_value(own_change_reason) filter (measured = 'quantity') as own_change_quantity_reason,
            any_value(market_effect) filter (measured = 'quantity') as market_effect_quantity,
            any_value(share_effect) filter (measured = 'quantity') as share_effect_quantity
        from rows_of_months
        group by looked_month, account_id, region, product_line
    ),

    lost as (
        select period_month, account_id, region, product_line, count(*) as item_count
        from core.market_lost_items
        group by
            grouping sets (
                (period_month, account_id, product_line),
                (period_month, account_id),
                (period_month, region, product_line),
                (period_month, region)
            )
    ),

    -- Nothing can be lost before something was bought.
    records as (
        select
            periods.period_month,
            coalesce(
                undeclared_reason('invoices', settings.declared_feeds),
                case
                    when not coalesce(months.as_of_date >= (select min(invoice_date) from core.invoices), false)
                    then 'no invoices on record before the last three months'
                end
            ) as reason,
            undeclared_reason('products', settings.declared_feeds) as no_products,
            undeclared_reason('accounts', settings.declared_feeds) as no_accounts
        from build.periods as periods
        cross join build.settings as settings
        join core.months as months on months.month_index = periods.month_index - 3
    )

select
    figures.*,
    case when figures.account_id is null then 'region' else 'account' end as market_of,
    case when figures.account_id is not null then known(accounts.account_name) end as account_name,
    case when figures.account_id is not null then known(accounts.account_manager) end as account_manager,
    coalesce(
        records.reason,
        case when figures.product_line is not null then records.no_products end,
        case when figures.region is not null then records.no_accounts end
    ) as lost_item_count_reason,
    case when lost_item_count_reason is null then coalesce(lost.item_count, 0) end as lost_item_count
from figures
join records on records.period_month = figures.period_month
left join
    lost
    on lost.period_month = figures.period_month
    and lost.account_id is not distinct from figures.account_id
    and lost.region is not distinct from figures.region
    and lost.product_line is not distinct from figures.product_line
left join core.accounts as accounts on accounts.account_id = figures.account_id
