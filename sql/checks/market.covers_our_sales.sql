-- fmt: off
-- invariant: No market is smaller than what we sell in it.
-- finding: {n} (market is|markets are) smaller than what we sell in (it|them)
-- if it fails: our share is above 100 %; the market may be that of other parts, months or a currency. Correct it in the source, or leave it out.
-- severity: warning
-- owner: Sales controlling
-- keys: account_id, market_region, product_line, source, total_amount, our_amount
-- fmt: on
with
    sizes as (
        select
            batch.period_month,
            batch.account_id,
            case when batch.account_id is null then batch.region end as market_region,
            batch.product_line,
            batch.source,
            converted(batch.total_amount, rates.average_rate) as total_amount
        from batch
        join core.month_rates as rates on rates.period_month = batch.period_month and rates.currency = batch.currency
    ),

    sold as (
        select
            sales.period_month,
            sales.account_id,
            known(accounts.region) as market_region,
            sales.product_line,
            round(sum(at_rate(sales.amount_doc, rates.average_rate)), 2) as amount
        from core.sales as sales
        semi join build.periods as periods on periods.period_month = sales.period_month
        join core.month_rates as rates on rates.period_month = sales.period_month and rates.currency = sales.currency
        left join core.accounts as accounts on accounts.account_id = sales.account_id
        where sales.basis = 'invoiced'
        group by
            grouping sets (
                (sales.period_month, sales.account_id, sales.product_line),
                (sales.period_month, sales.account_id),
                (sales.period_month, known(accounts.region), sales.product_line),
                (sales.period_month, known(accounts.region))
            )
    )

select sizes.*, sold.amount as our_amount
from sizes
join
    sold
    on sold.period_month = sizes.period_month
    and sold.account_id is not distinct from sizes.account_id
    and sold.market_region is not distinct from sizes.market_region
    and sold.product_line is not distinct from sizes.product_line
where sold.amount > sizes.total_amount
