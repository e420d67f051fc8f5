-- fmt: off
-- why: our share of a market is made of other sales than the table of sales has, or its effects explain another change
-- needs: market, invoices
-- Sales that lack a rate have no share; their market is left out on both sides.
-- fmt: on
with
    markets as (
        select
            period_month,
            coalesce(account_id, region) as name,
            market_of,
            product_line,
            own_amount,
            market_effect_amount + share_effect_amount as effect_amount
        from build.market_share
        where own_amount is not null
    ),

    sold as (
        select
            sales.period_month,
            sales.account_id,
            known(accounts.region) as region,
            sales.product_line,
            sum(sales.net_amount) as amount,
            sum(sales.net_amount - sales.prior_year_net_amount) as change
        from build.sales as sales
        left join core.accounts as accounts on accounts.account_id = sales.account_id
        group by sales.period_month, sales.account_id, known(accounts.region), sales.product_line
    ),

    -- A market of all product lines has the sales of each of them.
    covered as (
        select markets.*, sold.amount, sold.change
        from markets
        join
            sold
            on sold.period_month = markets.period_month
            and case markets.market_of when 'account' then sold.account_id else sold.region end = markets.name
            and (markets.product_line is null or sold.product_line = markets.product_line)
    ),

    sides as (
        select
            period_month,
            'sales of the month in known markets = market share' as control,
            market_of,
            name,
            0 as left_amount,
            own_amount as right_amount
        from markets
        union all
        select period_month, 'sales of the month in known markets = market share', market_of, name, amount, 0
        from covered
        union all
        select
            period_month,
            'sales less those of the prior year = effects of market and share',
            market_of,
            name,
            0,
            effect_amount
        from markets
        where effect_amount is not null
        union all
        select
            period_month, 'sales less those of the prior year = effects of market and share', market_of, name, change, 0
        from covered
        where effect_amount is not null
    )

select period_month, control, '' as currency, market_of || ' ' || name as item, left_amount, right_amount
from sides
