-- fmt: off
-- grain: period_month, plan_version, account_id, product_id
-- why: why sales changed against the same month a year before and against the month before, without any plan. The
--   built-in versions prior year and prior month take the place of a plan. The sales are those that [variance] actual names.
--   There is no bridge to a month before the first sales on record
-- method: sales-bridge-1
-- needs: actual_sales
-- adds up within one: plan_version
-- lines: core.item_sales_amounts by account_id, product_id where line.sales_month in (figure.period_month, figure.plan_month);
--   for actual_*: core.item_sales_amounts by sales_month = period_month, account_id, product_id sums actual_quantity = net_quantity,
--     actual_amount = net_amount;
--   for plan_*: core.item_sales_amounts by sales_month = plan_month, account_id, product_id sums plan_quantity = net_quantity,
--     plan_amount = net_amount
-- columns:
--   period_month       DATE
--   plan_version       VARCHAR        here: What sales are compared with: prior year or prior month
--   plan_month         DATE
--   account_id         VARCHAR
--   account_name       VARCHAR
--   account_manager    VARCHAR
--   product_id         VARCHAR        here: The part; NULL for lines that name none
--   product_name       VARCHAR        here: Name of the part; unknown where master data has none, NULL for lines that name none
--   product_line       VARCHAR
--   plan_quantity      DECIMAL(34,4)  [units of the item; sum] here: Quantity of the month compared with; 0 where nothing was sold
--   plan_amount        DECIMAL(32,2)  [reporting currency; sum] here: Net sales of the month compared with; NULL without a rate
--   actual_quantity    DECIMAL(34,4)  [units of the item; sum; more is better] here: Quantity sold, returns negative; 0 where nothing was sold
--   actual_amount      DECIMAL(32,2)
--   variance_amount    DECIMAL(32,2)  [reporting currency; sum; more is better] here: Change of sales := actual_amount − plan_amount
--   variance_ratio     DECIMAL(36,6)  [fraction; ratio of variance_amount ÷ plan_amount; more is better] here: Change as a share of the month compared with; NULL where that is not above 0
--   volume_effect      DECIMAL(32,2)  := (Q1 − Q0) × s0 × p0 × r0
--   mix_effect         DECIMAL(32,2)  := (q1 − Q1 × s0) × p0 × r0
--   price_effect       DECIMAL(32,2)  := Σ amount × r0 − p0 × q1 × r0
--   fx_effect          DECIMAL(32,2)  := Σ amount × (r1 − r0)
--   new_effect         DECIMAL(32,2)  [reporting currency; sum; more is better] here: Sales of items not sold in the month compared with := Σ amount × r0
--   lost_effect        DECIMAL(32,2)  [reporting currency; sum; more is better] here: What items no longer sold made in the month compared with := −p0 × q0 × r0
--   adjustment_effect  DECIMAL(32,2)  [reporting currency; sum; more is better] here: Change of sales without a quantity, and all of items of net quantity ≤ 0 in either month
--   bridge_status      VARCHAR        here: complete, new, lost, or why there are no lanes: no rate
-- fmt: on
with
    settings as (
        select actual = 'ordered' as is_ordered, list_contains(mix_group, 'account_id') as mix_by_account_id
        from build.settings
    ),

    first_sale as (
        select
            case
                when is_ordered
                then (select min(order_date) from core.orders)
                else (select min(invoice_date) from core.invoices)
            end as first_day
        from settings
    ),

    comparisons as (
        select windows.period_month, 'prior year' as plan_version, windows.sales_month as plan_month
        from core.sales_windows as windows
        where windows.is_prior_year
        union all
        select windows.period_month, 'prior month', windows.sales_month
        from core.sales_windows as windows
        where windows.is_prior_month
    ),

    recorded as (
        select comparisons.*
        from comparisons
        join core.months as months on months.period_month = comparisons.plan_month
        join first_sale on first_sale.first_day <= months.as_of_date
    ),

    sold as (
        select
            sales_month,
            account_id,
            product_id,
            currency,
            case when settings.is_ordered then nullif(ordered_quantity, 0) else quantity end as quantity,
            case when settings.is_ordered then ordered_amount_doc else quantity_amount_doc end as amount_doc,
            case when settings.is_ordered then 0 else other_amount_doc end as other_amount_doc
        from core.item_sales_months as items
        cross join settings
        where case when settings.is_ordered then items.is_ordered else items.is_invoiced end
    ),

    -- To the cent as the table of sales has them.
    rounded as (
        select
            sales_month,
            account_id,
            product_id,
            case when is_ordered then ordered_amount else net_amount end as rounded_amount
        from core.item_sales_amounts
        cross join settings
    ),

    -- 0 is the month compared with, 1 the month.
    sides as (
        select
            recorded.*,
            sold.account_id,
            sold.product_id,
            sold.currency,
            sold.quantity as quantity_0,
            sold.amount_doc as amount_doc_0,
            sold.other_amount_doc as other_amount_doc_0
        from recorded
        join sold on sold.sales_month = recorded.plan_month
        union all by name
        select
            recorded.*,
            sold.account_id,
            sold.product_id,
            sold.currency,
            sold.quantity as quantity_1,
            sold.amount_doc as amount_doc_1,
            sold.other_amount_doc as other_amount_doc_1
        from recorded
        join sold on sold.sales_month = recorded.period_month
        union all by name
        select recorded.*, rounded.account_id, rounded.product_id, 0 as side, rounded.rounded_amount
        from recorded
        join rounded on rounded.sales_month = recorded.plan_month
        union all by name
        select recorded.*, rounded.account_id, rounded.product_id, 1 as side, rounded.rounded_amount
        from recorded
        join rounded on rounded.sales_month = recorded.period_month
    ),

    items as (
        select
            sides.period_month,
            sides.plan_version,
            sides.plan_month,
            sides.account_id,
            sides.product_id,
            sum(quantity_0) as quantity_0,
            sum(quantity_1) as quantity_1,
            coalesce(sum(amount_doc_0 * rates_0.average_rate), 0) as amount_0,
            coalesce(sum(other_amount_doc_0 * rates_0.average_rate), 0) as other_amount_0,
            coalesce(sum(amount_doc_1 * rates_0.average_rate), 0) as amount_1_at_rate_0,
            coalesce(sum(amount_doc_1 * rates_1.average_rate), 0) as amount_1,
            coalesce(sum(other_amount_doc_1 * rates_1.average_rate), 0) as other_amount_1,
            complete_sum(rounded_amount, coalesce(side = 0, false)) as plan_amount,
            complete_sum(rounded_amount, coalesce(side = 1, false)) as actual_amount,
            no_rate(
                min(sides.currency) filter (
                    rates_0.average_rate is null or (amount_doc_1 is not null and rates_1.average_rate is null)
                )
            ) as rate_reason
        from sides
        left join
            core.month_rates as rates_0 on rates_0.period_month = sides.plan_month and rates_0.currency = sides.currency
        left join
            core.month_rates as rates_1
            on rates_1.period_month = sides.period_month
            and rates_1.currency = sides.currency
        group by sides.period_month, sides.plan_version, sides.plan_month, sides.account_id, sides.product_id
        having count(sides.currency) > 0
    ),

    classified as (
        select
            items.*,
            products.product_name,
            known(products.product_line) as product_line,
            coalesce(quantity_0 > 0 and quantity_1 > 0, false) as is_continuing,
            quantity_0 > 0 and quantity_1 is null as is_lost,
            quantity_1 > 0 and quantity_0 is null as is_new,
            struct_pack(
                account_id := case when settings.mix_by_account_id then items.account_id end,
                unit := coalesce(lower(products.unit), '')
            ) as mix_group
        from items
        cross join settings
        left join core.products as products on products.product_id = items.product_id
    ),

    -- Q0 and Q1: what the continuing items of a mix group sold.
    group_quantities as (
        select
            period_month,
            plan_version,
            mix_group,
            sum(quantity_0)::double as group_quantity_0,
            sum(quantity_1)::double as group_quantity_1
        from classified
        where is_continuing
        group by period_month, plan_version, mix_group
    ),

    lanes as (
        select
            classified.*,
            case
                when is_continuing
                then money_round(amount_0::double * (group_quantity_1 - group_quantity_0) / group_quantity_0)
                else 0
            end as volume_effect,
            case
                when is_continuing
                then
                    money_round(amount_1_at_rate_0::double - amount_0::double * quantity_1::double / quantity_0::double)
                else 0
            end as price_effect,
            case when is_continuing or is_new then round(amount_1 - amount_1_at_rate_0, 2) else 0 end as fx_effect,
            case when is_new then round(amount_1_at_rate_0, 2) else 0 end as new_effect,
            case when is_lost then - round(amount_0, 2) else 0 end as lost_effect,
            case
                when is_continuing or is_new or is_lost
                then round(other_amount_1 - other_amount_0, 2)
                else actual_amount - plan_amount
            end as adjustment_effect,
            actual_amount
            - plan_amount
            - volume_effect
            - price_effect
            - fx_effect
            - new_effect
            - lost_effect
            - adjustment_effect as mix_effect
        from classified
        left join group_quantities using (period_month, plan_version, mix_group)
    )

select
    lanes.period_month,
    lanes.plan_version,
    lanes.plan_month,
    lanes.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    lanes.product_id,
    case when lanes.product_id is not null then known(lanes.product_name) end as product_name,
    lanes.product_line,
    coalesce(lanes.quantity_0, 0) as plan_quantity,
    lanes.plan_amount,
    coalesce(lanes.quantity_1, 0) as actual_quantity,
    lanes.actual_amount,
    lanes.actual_amount - lanes.plan_amount as variance_amount,
    shown_ratio(ratio(lanes.actual_amount - lanes.plan_amount, greatest(lanes.plan_amount, 0))) as variance_ratio,
    case when lanes.rate_reason is null then columns('_effect$') end,
    case
        when lanes.rate_reason is not null
        then lanes.rate_reason
        when lanes.is_new
        then 'new'
        when lanes.is_lost
        then 'lost'
        else 'complete'
    end as bridge_status
from lanes
left join core.accounts as accounts on accounts.account_id = lanes.account_id
