-- fmt: off
-- grain: month × account or region × product line × measured: amount or quantity
-- why: what we sell of a market in a month beside its size, in each month that has a size, and a year before and after it. Our sales count
--   where the size is known only, so that a sum of sales over a sum of sizes is a share
-- columns:
--   month         DATE
--   month_index   INTEGER
--   account_id    VARCHAR
--   region        VARCHAR
--   product_line  VARCHAR
--   measured      VARCHAR
--   is_sized      BOOLEAN
--   own           DECIMAL(38,4)
--   own_reason    VARCHAR
--   total         DECIMAL(34,4)
--   total_reason  VARCHAR
--   source        VARCHAR
--   is_estimate   BOOLEAN
--   share         DOUBLE
--   share_reason  VARCHAR
-- fmt: on
with
    records as (
        select
            undeclared_reason('invoices', declared_feeds) as no_invoices,
            -- Nobody knows then which sales are of a product line or region.
            undeclared_reason('products', declared_feeds) as no_products,
            undeclared_reason('accounts', declared_feeds) as no_accounts,
            (select min(invoice_date) from core.invoices) as first_invoice
        from build.settings
    ),

    used as (
        select
            month,
            account_id,
            region,
            product_line,
            'amount' as measured,
            total_amount::decimal(34, 4) as total,
            amount_reason as rate_reason,
            source,
            is_estimate
        from core.market_sizes
        where is_amount_used
        union all
        select month, account_id, region, product_line, 'quantity', total_quantity, null, source, is_estimate
        from core.market_sizes
        where is_quantity_used
    ),

    keys as (
        select
            months.period_month as month,
            months.month_index,
            months.as_of_date,
            sizes.account_id,
            sizes.region,
            sizes.product_line,
            bool_or(months.period_month = sizes.month) as is_sized
        from core.market_sizes as sizes
        join core.months as given on given.period_month = sizes.month
        join
            core.months as months
            on months.month_index in (given.month_index - 12, given.month_index, given.month_index + 12)
        group by all
    ),

    explained as (
        select
            keys.* exclude (as_of_date),
            measured.measured,
            used.total,
            coalesce(
                used.rate_reason,
                case when used.month is null then 'no market ' || measured.measured || ' for the month' end
            ) as total_reason,
            used.source,
            used.is_estimate,
            case when measured.measured = 'amount' then sold.net_amount else sold.net_quantity end as sold,
            coalesce(
                records.no_invoices,
                case when keys.product_line is not null then records.no_products end,
                case when keys.region is not null then records.no_accounts end,
                case
                    when not coalesce(keys.as_of_date >= records.first_invoice, false)
                    then 'no invoices on record by then'
                end,
                case when measured.measured = 'amount' then sold.net_reason else sold.unit_reason end,
                total_reason
            ) as own_reason
        from keys
        cross join (from (values ('amount'), ('quantity')) as t(measured)) as measured
        cross join records
        left join
            used
            on used.month = keys.month
            and used.measured = measured.measured
            and used.account_id is not distinct from keys.account_id
            and used.region is not distinct from keys.region
            and used.product_line is not distinct from keys.product_line
        left join
            core.market_sales as sold
            on sold.month = keys.month
            and sold.account_id is not distinct from keys.account_id
            and sold.region is not distinct from keys.region
            and sold.product_line is not distinct from keys.product_line
    )

select
    month,
    month_index,
    account_id,
    region,
    product_line,
    measured,
    is_sized,
    case when own_reason is null then coalesce(sold, 0) end::decimal(38, 4) as own,
    own_reason,
    total,
    total_reason,
    source,
    is_estimate,
    case when own_reason is null then ratio(coalesce(sold, 0), total) end as share,
    coalesce(own_reason, case when total = 0 then 'the market ' || measured || ' is 0' end) as share_reason
from explained
