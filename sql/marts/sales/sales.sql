-- fmt: off
-- grain: period_month, account_id, product_id, document_account_manager
-- why: what was sold and ordered, with the same month a year before, the fiscal year to date and twelve months to date,
--   whether there is a plan or not. Longer windows add up the months' rounded rows. An item is listed while any of them has something
-- method: sales-1
-- needs: invoices|orders
-- lines: core.item_sales_amounts by sales_month = period_month, account_id, product_id, account_manager = document_account_manager sums
--     {}_quantity = {}_quantity, discount_amount = list_amount - net_amount + adjustment_amount, {}_amount = {}_amount;
--   for prior_year_*: core.item_sales_amounts by account_id, product_id, account_manager = document_account_manager where
--     (figure.period_month, line.sales_month) in (select (period_month, sales_month) from core.sales_windows where is_prior_year) sums
--     prior_year_{}_quantity = {}_quantity, prior_year_discount_amount = list_amount - net_amount + adjustment_amount,
--     prior_year_{}_amount = {}_amount;
--   for ytd_*: core.item_sales_amounts by account_id, product_id, account_manager = document_account_manager where (figure.period_month,
--     line.sales_month) in (select (period_month, sales_month) from core.sales_windows where is_ytd) sums ytd_{}_quantity = {}_quantity,
--     ytd_discount_amount = list_amount - net_amount + adjustment_amount, ytd_{}_amount = {}_amount;
--   for rolling_12_*: core.item_sales_amounts by account_id, product_id, account_manager = document_account_manager where
--     (figure.period_month, line.sales_month) in (select (period_month, sales_month) from core.sales_windows where is_rolling_12) sums
--     rolling_12_{}_quantity = {}_quantity, rolling_12_discount_amount = list_amount - net_amount + adjustment_amount,
--     rolling_12_{}_amount = {}_amount
-- columns:
--   period_month                      DATE
--   account_id                        VARCHAR
--   account_name                      VARCHAR
--   account_manager                   VARCHAR
--   document_account_manager          VARCHAR
--   product_id                        VARCHAR        here: The part; NULL for lines that name none
--   product_name                      VARCHAR        here: Name of the part; unknown where master data has none, NULL for lines that name none
--   product_line                      VARCHAR
--   unit                              VARCHAR
--   net_quantity                      DECIMAL(34,4)  [units of the item; sum; more is better] Quantity invoiced, less what credit notes take back
--   net_amount                        DECIMAL(32,2)  [reporting currency; sum; more is better] Net amount of all lines, credit notes negative
--   list_amount                       DECIMAL(32,2)  [reporting currency; sum] Net quantity at list prices: that of the line, else of the part, else the line's own price
--   discount_amount                   DECIMAL(32,2)  [reporting currency; sum] What the lines with a quantity are below list prices := list_amount − (net_amount − adjustment_amount)
--   return_quantity                   DECIMAL(34,4)  [units of the item; sum; less is better] Quantity taken back: by credit notes, and by negative lines of invoices
--   return_amount                     DECIMAL(32,2)  [reporting currency; sum; less is better] Net amount of what was taken back
--   adjustment_amount                 DECIMAL(32,2)  [reporting currency; sum] Net amount of lines without a quantity, such as rebates
--   ordered_quantity                  DECIMAL(34,4)  [units of the item; sum] Quantity of order lines, by order date; cancelled lines without a date left out
--   ordered_amount                    DECIMAL(32,2)  [reporting currency; sum] Quantity × price of these lines
--   net_amount_reason                 VARCHAR        Why what was invoiced is undefined: no rate for the currency, no invoices on record by then, or the feed is not declared
--   list_amount_reason                VARCHAR        Why list prices and discounts are undefined: net_amount is undefined, or there is no rate for the currency of the list price
--   ordered_amount_reason             VARCHAR        Why what was ordered is undefined: no rate for the currency, no orders on record by then, or the feed is not declared
--   prior_year_net_quantity           DECIMAL(34,4)  [units of the item; sum] Same month a year before: quantity invoiced, less what credit notes take back
--   prior_year_net_amount             DECIMAL(32,2)  [reporting currency; sum] Same month a year before: net amount of all lines, credit notes negative
--   prior_year_list_amount            DECIMAL(32,2)  [reporting currency; sum] Same month a year before: net quantity at list prices: that of the line, else of the part, else the line's own price
--   prior_year_discount_amount        DECIMAL(32,2)  [reporting currency; sum] Same month a year before: what the lines with a quantity are below list prices := prior_year_list_amount − (prior_year_net_amount − prior_year_adjustment_amount)
--   prior_year_return_quantity        DECIMAL(34,4)  [units of the item; sum] Same month a year before: quantity taken back: by credit notes, and by negative lines of invoices
--   prior_year_return_amount          DECIMAL(32,2)  [reporting currency; sum] Same month a year before: net amount of what was taken back
--   prior_year_adjustment_amount      DECIMAL(32,2)  [reporting currency; sum] Same month a year before: net amount of lines without a quantity, such as rebates
--   prior_year_ordered_quantity       DECIMAL(34,4)  [units of the item; sum] Same month a year before: quantity of order lines, by order date; cancelled lines without a date left out
--   prior_year_ordered_amount         DECIMAL(32,2)  [reporting currency; sum] Same month a year before: quantity × price of these lines
--   prior_year_net_amount_reason      VARCHAR        Same month a year before: why what was invoiced is undefined: no rate for the currency, no invoices on record by then, or the feed is not declared
--   prior_year_list_amount_reason     VARCHAR        Same month a year before: why list prices and discounts are undefined: net_amount is undefined, or there is no rate for the currency of the list price
--   prior_year_ordered_amount_reason  VARCHAR        Same month a year before: why what was ordered is undefined: no rate for the currency, no orders on record by then, or the feed is not declared
--   ytd_net_quantity                  DECIMAL(34,4)  [units of the item; last in time; more is better] Fiscal year to date: quantity invoiced, less what credit notes take back
--   ytd_net_amount                    DECIMAL(32,2)  [reporting currency; last in time; more is better] Fiscal year to date: net amount of all lines, credit notes negative
--   ytd_list_amount                   DECIMAL(32,2)  [reporting currency; last in time] Fiscal year to date: net quantity at list prices: that of the line, else of the part, else the line's own price
--   ytd_discount_amount               DECIMAL(32,2)  [reporting currency; last in time] Fiscal year to date: what the lines with a quantity are below list prices := ytd_list_amount − (ytd_net_amount − ytd_adjustment_amount)
--   ytd_return_quantity               DECIMAL(34,4)  [units of the item; last in time; less is better] Fiscal year to date: quantity taken back: by credit notes, and by negative lines of invoices
--   ytd_return_amount                 DECIMAL(32,2)  [reporting currency; last in time; less is better] Fiscal year to date: net amount of what was taken back
--   ytd_adjustment_amount             DECIMAL(32,2)  [reporting currency; last in time] Fiscal year to date: net amount of lines without a quantity, such as rebates
--   ytd_ordered_quantity              DECIMAL(34,4)  [units of the item; last in time] Fiscal year to date: quantity of order lines, by order date; cancelled lines without a date left out
--   ytd_ordered_amount                DECIMAL(32,2)  [reporting currency; last in time] Fiscal year to date: quantity × price of these lines
--   ytd_net_amount_reason             VARCHAR        Fiscal year to date: why what was invoiced is undefined: no rate for the currency, no invoices on record by then, or the feed is not declared
--   ytd_list_amount_reason            VARCHAR        Fiscal year to date: why list prices and discounts are undefined: net_amount is undefined, or there is no rate for the currency of the list price
--   ytd_ordered_amount_reason         VARCHAR        Fiscal year to date: why what was ordered is undefined: no rate for the currency, no orders on record by then, or the feed is not declared
--   ytd_month_count                   BIGINT         [months; none] Months of the window since the first document on record; fewer than passed where the records begin in it
--   rolling_12_net_quantity           DECIMAL(34,4)  [units of the item; last in time; more is better] Twelve months to date: quantity invoiced, less what credit notes take back
--   rolling_12_net_amount             DECIMAL(32,2)  [reporting currency; last in time; more is better] Twelve months to date: net amount of all lines, credit notes negative
--   rolling_12_list_amount            DECIMAL(32,2)  [reporting currency; last in time] Twelve months to date: net quantity at list prices: that of the line, else of the part, else the line's own price
--   rolling_12_discount_amount        DECIMAL(32,2)  [reporting currency; last in time] Twelve months to date: what the lines with a quantity are below list prices := rolling_12_list_amount − (rolling_12_net_amount − rolling_12_adjustment_amount)
--   rolling_12_return_quantity        DECIMAL(34,4)  [units of the item; last in time; less is better] Twelve months to date: quantity taken back: by credit notes, and by negative lines of invoices
--   rolling_12_return_amount          DECIMAL(32,2)  [reporting currency; last in time; less is better] Twelve months to date: net amount of what was taken back
--   rolling_12_adjustment_amount      DECIMAL(32,2)  [reporting currency; last in time] Twelve months to date: net amount of lines without a quantity, such as rebates
--   rolling_12_ordered_quantity       DECIMAL(34,4)  [units of the item; last in time] Twelve months to date: quantity of order lines, by order date; cancelled lines without a date left out
--   rolling_12_ordered_amount         DECIMAL(32,2)  [reporting currency; last in time] Twelve months to date: quantity × price of these lines
--   rolling_12_net_amount_reason      VARCHAR        Twelve months to date: why what was invoiced is undefined: no rate for the currency, no invoices on record by then, or the feed is not declared
--   rolling_12_list_amount_reason     VARCHAR        Twelve months to date: why list prices and discounts are undefined: net_amount is undefined, or there is no rate for the currency of the list price
--   rolling_12_ordered_amount_reason  VARCHAR        Twelve months to date: why what was ordered is undefined: no rate for the currency, no orders on record by then, or the feed is not declared
--   rolling_12_month_count            BIGINT         [months; none] Months of the window since the first document on record; fewer than passed where the records begin in it
-- fmt: on
with
    -- What was never on record is unknown, not 0.
    first_days as (
        select
            (select min(invoice_date) from core.invoices) as first_invoice,
            (select min(order_date) from core.orders) as first_order,
            (select count(list_price) from core.invoices) as list_price_count
    ),

    records as (
        select
            windows.period_month,
            undeclared_reason('invoices', any_value(settings.declared_feeds)) as no_invoices,
            -- The line's own price in place of a list price would say that nobody gets a discount.
            case
                when any_value(list_price_count) = 0
                then undeclared_reason('products', any_value(settings.declared_feeds))
            end as no_list_prices,
            undeclared_reason('orders', any_value(settings.declared_feeds)) as no_orders,
            case
                when not coalesce(bool_or(months.as_of_date >= first_invoice) filter (windows.is_prior_year), false)
                then 'no invoices on record by then'
            end as no_prior_invoices,
            case
                when not coalesce(bool_or(months.as_of_date >= first_order) filter (windows.is_prior_year), false)
                then 'no orders on record by then'
            end as no_prior_orders,
            count_if(windows.is_ytd and months.as_of_date >= first_day) as ytd_month_count,
            count_if(windows.is_rolling_12 and months.as_of_date >= first_day) as rolling_12_month_count
        from core.sales_windows as windows
        join core.months as months on months.period_month = windows.sales_month
        cross join (select *, least(first_invoice, first_order) as first_day from first_days) as first_days
        cross join build.settings as settings
        group by windows.period_month
    ),

    added as (
        select
            windows.period_month,
            valued.account_id,
            valued.product_id,
            valued.account_manager,
            coalesce(sum(columns('_quantity$')) filter (is_current), 0),
            complete_sum(columns('_amount$'), is_current),
            min(columns('^(net|list|ordered)_reason$')) filter (is_current),
            coalesce(sum(columns('^(.*_quantity)$')) filter (is_prior_year), 0) as 'prior_year_\1',
            complete_sum(columns('^(.*_amount)$'), is_prior_year) as 'prior_year_\1',
            min(columns('^(net_reason|list_reason|ordered_reason)$')) filter (is_prior_year) as 'prior_year_\1',
            coalesce(sum(columns('^(.*_quantity)$')) filter (is_ytd), 0) as 'ytd_\1',
            complete_sum(columns('^(.*_amount)$'), is_ytd) as 'ytd_\1',
            min(columns('^(net_reason|list_reason|ordered_reason)$')) filter (is_ytd) as 'ytd_\1',
            coalesce(sum(columns('^(.*_quantity)$')) filter (is_rolling_12), 0) as 'rolling_12_\1',
            complete_sum(columns('^(.*_amount)$'), is_rolling_12) as 'rolling_12_\1',
            min(columns('^(net_reason|list_reason|ordered_reason)$')) filter (is_rolling_12) as 'rolling_12_\1'
        from core.item_sales_amounts as valued
        join core.sales_windows as windows on windows.sales_month = valued.sales_month
        where windows.is_prior_year or windows.is_ytd or windows.is_rolling_12
        group by windows.period_month, valued.account_id, valued.product_id, valued.account_manager
    ),

    explained as (
        select
            added.*,
            records.ytd_month_count,
            records.rolling_12_month_count,
            coalesce(records.no_invoices, added.net_reason) as net_amount_reason,
            coalesce(records.no_invoices, records.no_list_prices, added.list_reason) as list_amount_reason,
            coalesce(records.no_orders, added.ordered_reason) as ordered_amount_reason,
            coalesce(
                records.no_invoices, records.no_prior_invoices, added.prior_year_net_reason
            ) as prior_year_net_amount_reason,
            coalesce(
                records.no_invoices, records.no_list_prices, records.no_prior_invoices, added.prior_year_list_reason
            ) as prior_year_list_amount_reason,
            coalesce(
                records.no_orders, records.no_prior_orders, added.prior_year_ordered_reason
            ) as prior_year_ordered_amount_reason,
            coalesce(records.no_invoices, added.ytd_net_reason) as ytd_net_amount_reason,
            coalesce(records.no_invoices, records.no_list_prices, added.ytd_list_reason) as ytd_list_amount_reason,
            coalesce(records.no_orders, added.ytd_ordered_reason) as ytd_ordered_amount_reason,
            coalesce(records.no_invoices, added.rolling_12_net_reason) as rolling_12_net_amount_reason,
            coalesce(
                records.no_invoices, records.no_list_prices, added.rolling_12_list_reason
            ) as rolling_12_list_amount_reason,
            coalesce(records.no_orders, added.rolling_12_ordered_reason) as rolling_12_ordered_amount_reason
        from added
        join records on records.period_month = added.period_month
    )

select
    explained.period_month,
    explained.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    explained.account_manager as document_account_manager,
    explained.product_id,
    case when explained.product_id is not null then known(products.product_name) end as product_name,
    known(products.product_line) as product_line,
    lower(products.unit) as unit,
    case
        when net_amount_reason is null
        then columns('^(net_quantity|net_amount|return_quantity|return_amount|adjustment_amount)$')
    end,
    case when list_amount_reason is null then list_amount end as list_amount,
    case when list_amount_reason is null then list_amount - net_amount + adjustment_amount end as discount_amount,
    case when ordered_amount_reason is null then columns('^(ordered_quantity|ordered_amount)$') end,
    case
        when prior_year_net_amount_reason is null
        then columns('^prior_year_(net_quantity|net_amount|return_quantity|return_amount|adjustment_amount)$')
    end,
    case when prior_year_list_amount_reason is null then prior_year_list_amount end as prior_year_list_amount,
    case
        when prior_year_list_amount_reason is null
        then prior_year_list_amount - prior_year_net_amount + prior_year_adjustment_amount
    end as prior_year_discount_amount,
    case
        when prior_year_ordered_amount_reason is null then columns('^prior_year_(ordered_quantity|ordered_amount)$')
    end,
    case
        when ytd_net_amount_reason is null
        then columns('^ytd_(net_quantity|net_amount|return_quantity|return_amount|adjustment_amount)$')
    end,
    case when ytd_list_amount_reason is null then ytd_list_amount end as ytd_list_amount,
    case
        when ytd_list_amount_reason is null then ytd_list_amount - ytd_net_amount + ytd_adjustment_amount
    end as ytd_discount_amount,
    case when ytd_ordered_amount_reason is null then columns('^ytd_(ordered_quantity|ordered_amount)$') end,
    case
        when rolling_12_net_amount_reason is null
        then columns('^rolling_12_(net_quantity|net_amount|return_quantity|return_amount|adjustment_amount)$')
    end,
    case when rolling_12_list_amount_reason is null then rolling_12_list_amount end as rolling_12_list_amount,
    case
        when rolling_12_list_amount_reason is null
        then rolling_12_list_amount - rolling_12_net_amount + rolling_12_adjustment_amount
    end as rolling_12_discount_amount,
    case
        when rolling_12_ordered_amount_reason is null then columns('^rolling_12_(ordered_quantity|ordered_amount)$')
    end,
    columns('^.*(_amount_reason|_month_count)$')
from explained
left join core.accounts as accounts on accounts.account_id = explained.account_id
left join core.products as products on products.product_id = explained.product_id
