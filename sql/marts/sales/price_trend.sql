-- fmt: off
-- grain: period_month, plan_version, account_id, product_line
-- why: how prices changed against the month before and against the same month a year before. The average price also moves with the
--   mix of parts and with exchange rates; the price index does not: it compares each part with itself, in one currency. The four
--   amounts behind it add up, so that the index of an account, or of all, is made from their sums. sales_bridge has the parts
-- method: price-trend-1
-- needs: invoices
-- adds up within one: plan_version
-- lines: core.price_matches by period_month, plan_version, account_id where (figure.product_line is not distinct from coalesce((select
--     known(products.product_line) from core.products as products where products.product_id = line.product_id), known(null))) sums
--     matched_item_count = is_matched, sold_amount, matched_amount = case when is_matched then sold_amount end, matched_return_amount =
--     case when is_matched then return_amount end, matched_quantity = case when is_matched then quantity end, base_matched_quantity =
--     case when is_matched then base_quantity end, base_amount = case when is_matched then base_amount end, base_repriced_amount = case
--     when is_matched then base_repriced_amount end, current_at_base_prices_amount = case when is_matched then
--     current_at_base_prices_amount end, current_amount = case when is_matched then current_amount end;
--   for priced_*: core.item_sales_amounts by sales_month = period_month, account_id where (figure.product_line is not distinct from
--     coalesce((select known(products.product_line) from core.products as products where products.product_id = line.product_id),
--     known(null))) sums priced_quantity = net_quantity, priced_amount = net_amount - adjustment_amount;
--   for base_priced_*: core.item_sales_amounts by sales_month = plan_month, account_id where (figure.product_line is not distinct from
--     coalesce((select known(products.product_line) from core.products as products where products.product_id = line.product_id),
--     known(null))) sums base_priced_quantity = net_quantity, base_priced_amount = net_amount - adjustment_amount
-- columns:
--   period_month                       DATE
--   plan_version                       VARCHAR        here: What prices are compared with: prior year or prior month
--   plan_month                         DATE
--   account_id                         VARCHAR
--   account_name                       VARCHAR
--   account_manager                    VARCHAR
--   product_line                       VARCHAR
--   priced_quantity                    DECIMAL(34,4)  [units of the item; sum; more is better] Quantity invoiced in the month, less what credit notes take back
--   priced_quantity_reason             VARCHAR
--   priced_amount                      DECIMAL(32,2)  [reporting currency; sum; more is better] Net amount of the lines with a quantity, credit notes negative; the rest of the sales, such as rebates, has no price
--   priced_amount_reason               VARCHAR
--   average_price                      DECIMAL(36,6)  [reporting currency; ratio of priced_amount ÷ priced_quantity; more is better] Average net price of a unit
--   average_price_reason               VARCHAR
--   base_priced_quantity               DECIMAL(34,4)  [units of the item; sum] Quantity of the month compared with, in the same way
--   base_priced_quantity_reason        VARCHAR
--   base_priced_amount                 DECIMAL(32,2)  [reporting currency; sum] Net amount of the month compared with, in the same way
--   base_priced_amount_reason          VARCHAR
--   base_average_price                 DECIMAL(36,6)  [reporting currency; ratio of base_priced_amount ÷ base_priced_quantity] Average net price of the month compared with
--   base_average_price_reason          VARCHAR
--   average_price_change_ratio         DECIMAL(36,6)  [fraction; none; more is better] Change of the average price, by whatever cause: prices, mix or exchange rates := average_price ÷ base_average_price − 1
--   average_price_change_ratio_reason  VARCHAR
--   matched_item_count                 BIGINT         [count; sum] Parts sold in both months, counted once per currency: net quantity and net amount above zero in each
--   sold_amount                        DECIMAL(32,2)  [reporting currency; sum] Net amount in the month of all parts whose net quantity and net amount are above zero
--   matched_amount                     DECIMAL(32,2)  [reporting currency; sum] Of it, that of the parts sold in both months
--   matched_ratio                      DECIMAL(36,6)  [fraction; ratio of matched_amount ÷ sold_amount] Share of the sales that the index speaks of
--   matched_ratio_reason               VARCHAR
--   matched_return_amount              DECIMAL(32,2)  [reporting currency; sum; less is better] Net amount that credit notes took back of these parts in both months. They move a month's price where they are at another price
--   matched_quantity                   DECIMAL(34,4)  [units of the item; sum] Net quantity of these parts in the month; NULL where their units differ
--   base_matched_quantity              DECIMAL(34,4)  [units of the item; sum] Net quantity of these parts in the month compared with; NULL where their units differ
--   base_amount                        DECIMAL(32,2)  [reporting currency; sum] Of these parts, what the month compared with sold, at its prices. This and the next three are at the exchange rates of that month
--   base_repriced_amount               DECIMAL(32,2)  [reporting currency; sum] Quantities of the month compared with, at the prices of the month
--   current_at_base_prices_amount      DECIMAL(32,2)  [reporting currency; sum] Quantities of the month, at the prices of the month compared with
--   current_amount                     DECIMAL(32,2)  [reporting currency; sum] Quantities of the month, at its prices
--   price_effect                       DECIMAL(32,2)  := current_amount − current_at_base_prices_amount
--   laspeyres_index                    DECIMAL(36,6)  [multiple; ratio of base_repriced_amount ÷ base_amount; more is better] Change of prices, weighted by the quantities of the month compared with source: ILO and others, Consumer Price Index Manual: Laspeyres
--   paasche_index                      DECIMAL(36,6)  [multiple; ratio of current_amount ÷ current_at_base_prices_amount; more is better] Change of prices, weighted by the quantities of the month source: ILO and others, Consumer Price Index Manual: Paasche
--   price_index                        DECIMAL(36,6)  [multiple; none; more is better] Change of prices, weighted by the quantities of both months: 1.02 is 2 % dearer := √(laspeyres_index × paasche_index) source: ILO and others, Consumer Price Index Manual: Fisher
--   price_index_reason                 VARCHAR        Why price_index, laspeyres_index, paasche_index and price_effect are undefined
--   mix_index                          DECIMAL(36,6)  [multiple; none; more is better] Change of the average price because dearer or cheaper parts were sold; times paasche_index it gives the change of the average price of these parts at constant exchange rates := (current_at_base_prices_amount ÷ matched_quantity) ÷ (base_amount ÷ base_matched_quantity)
--   mix_index_reason                   VARCHAR
-- fmt: on
with
    first_invoice as (select min(invoice_date) as first_day from core.invoices),

    comparisons as (
        select
            comparisons.*,
            case
                when not coalesce(base.as_of_date >= first_invoice.first_day, false)
                then 'no invoices on record by then'
            end as no_base
        from core.sales_comparisons as comparisons
        join core.months as base on base.period_month = comparisons.plan_month
        cross join first_invoice
    ),

    priced as (
        select
            comparisons.period_month,
            comparisons.plan_version,
            comparisons.plan_month,
            comparisons.no_base,
            amounts.account_id,
            known(products.product_line) as product_line,
            coalesce(sum(net_quantity) filter (not is_base), 0) as quantity,
            coalesce(sum(net_quantity) filter (is_base), 0) as base_quantity,
            complete_sum(net_amount - adjustment_amount, not is_base) as amount,
            complete_sum(net_amount - adjustment_amount, is_base) as base_priced,
            min(net_reason) filter (not is_base) as amount_reason,
            min(net_reason) filter (is_base) as base_priced_reason,
            min(lower(unit)) filter (not is_base and net_quantity <> 0) as least_unit,
            max(lower(unit)) filter (not is_base and net_quantity <> 0) as greatest_unit,
            min(lower(unit)) filter (is_base and net_quantity <> 0) as base_least_unit,
            max(lower(unit)) filter (is_base and net_quantity <> 0) as base_greatest_unit
        from core.item_sales_amounts as amounts
        join comparisons on comparisons.sales_month = amounts.sales_month
        left join core.products as products on products.product_id = amounts.product_id
        group by all
    ),

    matched as (
        select
            matches.period_month,
            matches.plan_version,
            matches.account_id,
            known(products.product_line) as product_line,
            count_if(is_matched) as matched_item_count,
            round(complete_sum(sold_amount, true), 2) as sold_amount,
            round(complete_sum(sold_amount, is_matched), 2) as matched_amount,
            round(complete_sum(return_amount, is_matched), 2) as matched_return_amount,
            coalesce(sum(quantity) filter (is_matched), 0) as matched_quantity,
            coalesce(sum(base_quantity) filter (is_matched), 0) as base_matched_quantity,
            round(complete_sum(base_amount, is_matched), 2) as base_amount,
            round(complete_sum(base_repriced_amount, is_matched), 2) as base_repriced_amount,
            round(complete_sum(current_at_base_prices_amount, is_matched), 2) as current_at_base_prices_amount,
            round(complete_sum(current_amount, is_matched), 2) as current_amount,
            min(index_reason) as index_reason,
            units_reason(
                min(lower(unit)) filter (is_matched) <> max(lower(unit)) filter (is_matched)
            ) as matched_unit_reason
        from core.price_matches as matches
        left join core.products as products on products.product_id = matches.product_id
        group by all
    ),

    explained as (
        select
            priced.*,
            matched.* exclude (period_month, plan_version, account_id, product_line),
            ratio(base_repriced_amount, base_amount) as laspeyres,
            ratio(current_amount, current_at_base_prices_amount) as paasche,
            units_reason(least_unit <> greatest_unit) as quantity_reason,
            coalesce(no_base, units_reason(base_least_unit <> base_greatest_unit)) as base_quantity_reason,
            coalesce(
                amount_reason, quantity_reason, case when quantity <= 0 then 'nothing sold in the month' end
            ) as price_reason,
            coalesce(
                no_base,
                base_priced_reason,
                base_quantity_reason,
                case when base_quantity <= 0 then 'nothing sold in the month compared with' end
            ) as base_price_reason,
            coalesce(no_base, index_reason) as unknown_index_reason,
            coalesce(
                no_base,
                index_reason,
                case when coalesce(matched_item_count, 0) = 0 then 'no part was sold in both months' end,
                case when coalesce(laspeyres * paasche, 0) = 0 then 'amounts of less than a cent' end
            ) as price_index_reason
        from priced
        left join matched using (period_month, plan_version, account_id, product_line)
        where
            quantity <> 0
            or base_quantity <> 0
            or amount <> 0
            or base_priced <> 0
            or amount_reason is not null
            or base_priced_reason is not null
            or matched_item_count > 0
    )

select
    explained.period_month,
    explained.plan_version,
    explained.plan_month,
    explained.account_id,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    explained.product_line,
    case when quantity_reason is null then quantity end as priced_quantity,
    quantity_reason as priced_quantity_reason,
    amount as priced_amount,
    amount_reason as priced_amount_reason,
    case when price_reason is null then shown_ratio(ratio(amount, quantity)) end as average_price,
    price_reason as average_price_reason,
    case when base_quantity_reason is null then base_quantity end as base_priced_quantity,
    base_quantity_reason as base_priced_quantity_reason,
    case when no_base is null then base_priced end as base_priced_amount,
    coalesce(no_base, base_priced_reason) as base_priced_amount_reason,
    case when base_price_reason is null then shown_ratio(ratio(base_priced, base_quantity)) end as base_average_price,
    base_price_reason as base_average_price_reason,
    coalesce(
        price_reason,
        base_price_reason,
        units_reason(least_unit <> base_least_unit),
        case when base_priced <= 0 then 'the price compared with is not above zero' end
    ) as average_price_change_ratio_reason,
    case
        when average_price_change_ratio_reason is null
        then shown_ratio(ratio(amount::double * base_quantity, base_priced::double * quantity) - 1)
    end as average_price_change_ratio,
    case when no_base is null then coalesce(explained.matched_item_count, 0) end as matched_item_count,
    case when amount_reason is null then coalesce(sold_amount, 0) end as sold_amount,
    case when no_base is null and amount_reason is null then coalesce(matched_amount, 0) end as matched_amount,
    coalesce(
        amount_reason, no_base, case when coalesce(explained.sold_amount, 0) = 0 then 'nothing sold in the month' end
    ) as matched_ratio_reason,
    case
        when matched_ratio_reason is null then shown_ratio(ratio(explained.matched_amount, explained.sold_amount))
    end as matched_ratio,
    case
        when unknown_index_reason is null and amount_reason is null then coalesce(explained.matched_return_amount, 0)
    end as matched_return_amount,
    case
        when no_base is null and matched_unit_reason is null then coalesce(explained.matched_quantity, 0)
    end as matched_quantity,
    case
        when no_base is null and matched_unit_reason is null then coalesce(explained.base_matched_quantity, 0)
    end as base_matched_quantity,
    case when unknown_index_reason is null then coalesce(explained.base_amount, 0) end as base_amount,
    case when unknown_index_reason is null then coalesce(explained.base_repriced_amount, 0) end as base_repriced_amount,
    case
        when unknown_index_reason is null then coalesce(explained.current_at_base_prices_amount, 0)
    end as current_at_base_prices_amount,
    case when unknown_index_reason is null then coalesce(explained.current_amount, 0) end as current_amount,
    case
        when price_index_reason is null then explained.current_amount - explained.current_at_base_prices_amount
    end as price_effect,
    case when price_index_reason is null then shown_ratio(laspeyres) end as laspeyres_index,
    case when price_index_reason is null then shown_ratio(paasche) end as paasche_index,
    case when price_index_reason is null then shown_ratio(sqrt(laspeyres * paasche)) end as price_index,
    price_index_reason,
    coalesce(price_index_reason, matched_unit_reason) as mix_index_reason,
    case
        when mix_index_reason is null
        then
            shown_ratio(
                ratio(
                    explained.current_at_base_prices_amount::double * explained.base_matched_quantity,
                    explained.base_amount::double * explained.matched_quantity
                )
            )
    end as mix_index
from explained
left join core.accounts as accounts on accounts.account_id = explained.account_id
