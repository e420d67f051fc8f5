-- Account × part: what was sold and ordered, with the month a year before, the year to date and twelve months. A month's sums are
-- rounded to the cent, and longer windows add up the rounded months.
with
    lines as (
        select
            date_trunc('month', invoice_date)::date as month,
            account_id,
            product_id,
            currency,
            case when document_type = 'credit_note' then -quantity else quantity end as net_quantity,
            case when document_type = 'credit_note' then -net_amount else net_amount end as net_amount,
            case when document_type = 'credit_note' then quantity end as return_quantity,
            case when document_type = 'credit_note' and quantity is not null then net_amount end as return_amount,
            case when quantity is null then -net_amount end as adjustment_amount,
            null as ordered_quantity,
            null as ordered_amount
        from {{ ref('stg_invoices') }}
        where invoice_date >= {{ month() }} - interval 12 month and invoice_date <= {{ month_end() }}
        union all
        select
            date_trunc('month', order_date)::date, account_id, product_id, currency, null, null, null, null, null, quantity,
            quantity * unit_price
        from {{ ref('stg_orders') }}
        where
            order_date >= {{ month() }} - interval 12 month
            and order_date <= {{ month_end() }}
            and (status <> 'cancelled' or cancelled_date is not null)
    ),

    by_currency as (
        select
            month, account_id, product_id, currency,
            sum(net_quantity) as net_quantity, sum(net_amount) as net_amount, sum(return_quantity) as return_quantity,
            sum(return_amount) as return_amount, sum(adjustment_amount) as adjustment_amount,
            sum(ordered_quantity) as ordered_quantity, sum(ordered_amount) as ordered_amount
        from lines
        group by all
    ),

    months as (
        select
            by_currency.month, account_id, product_id,
            sum(net_quantity) as net_quantity,
            sum(return_quantity) as return_quantity,
            sum(ordered_quantity) as ordered_quantity,
            round(sum(net_amount * average_rate), 2) as net_amount,
            round(sum(return_amount * average_rate), 2) as return_amount,
            round(sum(adjustment_amount * average_rate), 2) as adjustment_amount,
            round(sum(ordered_amount::decimal(28, 4) * average_rate), 2) as ordered_amount,
            by_currency.month = {{ month() }} as is_current,
            by_currency.month = {{ month() }} - interval 12 month as is_prior_year,
            year(by_currency.month) = year({{ month() }}) as is_ytd,
            not is_prior_year as is_rolling_12
        from by_currency
        join {{ ref('month_rates') }} as rates on rates.month = by_currency.month and rates.currency = by_currency.currency
        group by all
    )

select
    account_id,
    product_id,
    coalesce(sum(net_quantity) filter (is_current), 0) as net_quantity,
    coalesce(sum(net_amount) filter (is_current), 0) as net_amount,
    coalesce(sum(return_quantity) filter (is_current), 0) as return_quantity,
    coalesce(sum(return_amount) filter (is_current), 0) as return_amount,
    coalesce(sum(adjustment_amount) filter (is_current), 0) as adjustment_amount,
    coalesce(sum(ordered_quantity) filter (is_current), 0) as ordered_quantity,
    coalesce(sum(ordered_amount) filter (is_current), 0) as ordered_amount,
    coalesce(sum(net_amount) filter (is_prior_year), 0) as prior_year_net_amount,
    coalesce(sum(net_quantity) filter (is_ytd), 0) as ytd_net_quantity,
    coalesce(sum(net_amount) filter (is_ytd), 0) as ytd_net_amount,
    coalesce(sum(ordered_amount) filter (is_ytd), 0) as ytd_ordered_amount,
    coalesce(sum(net_quantity) filter (is_rolling_12), 0) as rolling_12_net_quantity,
    coalesce(sum(net_amount) filter (is_rolling_12), 0) as rolling_12_net_amount,
    coalesce(sum(ordered_amount) filter (is_rolling_12), 0) as rolling_12_ordered_amount
from months
group by account_id, product_id
