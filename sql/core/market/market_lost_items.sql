-- fmt: off
-- grain: month built × account × part that it bought in the twelve months before the last three, and not in these
-- why: what an account bought and buys no more. Bought in a month is what has a net quantity above zero there; a part that is billed
--   without quantities at all counts by its net amount
-- lines: core.sales by account_id, product_id where line.basis = 'invoiced' and line.period_month between (figure.period_month - interval
--     14 month)::date and (figure.period_month - interval 3 month)::date
-- columns:
--   period_month       DATE
--   account_id         VARCHAR
--   region             VARCHAR
--   product_id         VARCHAR
--   product_line       VARCHAR
--   last_bought_month  DATE
--   bought_quantity    DECIMAL(38,4)
--   bought_amount      DECIMAL(38,2)
--   bought_reason      VARCHAR
-- fmt: on
with
    months as (
        select
            periods.period_month,
            months.period_month as sales_month,
            months.month_index > periods.month_index - 3 as is_recent
        from build.periods as periods
        join core.months as months on months.month_index between periods.month_index - 14 and periods.month_index
    ),

    sold as (
        select
            months.period_month,
            amounts.account_id,
            amounts.product_id,
            amounts.sales_month,
            months.is_recent,
            sum(amounts.net_quantity) as quantity,
            complete_sum(amounts.net_amount, true) as amount,
            min(amounts.net_reason) as reason
        from core.item_sales_amounts as amounts
        join months on months.sales_month = amounts.sales_month
        where amounts.product_id is not null
        group by months.period_month, amounts.account_id, amounts.product_id, amounts.sales_month, months.is_recent
    ),

    bought as (
        select
            *,
            case
                when max(abs(quantity)) over (partition by period_month, account_id, product_id) > 0
                then quantity > 0
                else coalesce(amount > 0, false)
            end as is_bought
        from sold
    ),

    lost as (
        select
            period_month,
            account_id,
            product_id,
            max(sales_month) filter (is_bought) as last_bought_month,
            sum(quantity) filter (not is_recent) as bought_quantity,
            complete_sum(amount, not is_recent) as bought_amount,
            min(reason) filter (not is_recent) as bought_reason
        from bought
        group by period_month, account_id, product_id
        having bool_or(is_bought and not is_recent) and not bool_or(is_bought and is_recent)
    )

select
    lost.period_month,
    lost.account_id,
    known(accounts.region) as region,
    lost.product_id,
    known(products.product_line) as product_line,
    lost.last_bought_month,
    lost.bought_quantity,
    lost.bought_amount,
    lost.bought_reason
from lost
left join core.accounts as accounts on accounts.account_id = lost.account_id
left join core.products as products on products.product_id = lost.product_id
