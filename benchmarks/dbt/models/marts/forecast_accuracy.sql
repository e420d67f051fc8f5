-- Step × lag × account, and in total: how far off the forecasts of the month were, item by item.
with
    forecast as (
        select
            forecast_step, datediff('month', snapshot_month, target_month) as lag, account_id, product_id, sum(quantity) as forecast
        from {{ ref('stg_forecasts') }}
        where target_month = {{ month() }} and snapshot_month <= target_month
        group by all
    ),

    sold as (
        select account_id, product_id, sum(case when document_type = 'credit_note' then -quantity else quantity end) as actual
        from {{ ref('stg_invoices') }}
        where
            quantity is not null
            and invoice_date between {{ month() }} and {{ month_end() }}
        group by all
        having actual <> 0
    ),

    expected as (select * from sold cross join (select distinct forecast_step, lag from forecast)),

    items as (
        select forecast_step, lag, account_id, product_id, coalesce(actual, 0) as actual, coalesce(forecast, 0) as forecast
        from forecast
        full join expected using (forecast_step, lag, account_id, product_id)
    )

select
    forecast_step,
    lag,
    case when grouping(account_id) = 0 then 'account' else 'total' end as level,
    account_id,
    count(*) as n,
    sum(actual) as actual_quantity,
    sum(forecast) as forecast_quantity,
    sum(abs(actual - forecast)) as absolute_error_quantity,
    case when sum(abs(actual)) <> 0 then absolute_error_quantity::double / sum(abs(actual))::double end as wape,
    case when sum(actual) > 0 then sum(forecast - actual)::double / sum(actual)::double end as bias_ratio,
    absolute_error_quantity::double / n as mae
from items
group by forecast_step, lag, grouping sets ((account_id), ())
