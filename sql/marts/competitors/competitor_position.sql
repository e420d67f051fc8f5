-- fmt: off
-- grain: period_month, account_id, competitor_id, product_line, kind
-- why: where we stand beside each competitor, by the newest observation by the month end, and what was lost to him
-- method: competitor-position-1
-- needs: competitor_observations
-- lines: core.competitor_observations by observation_id;
--   for lost_*: core.quotation_months by account_id, competitor_id where line.is_lost and line.period_month between (figure.period_month
--     - interval 11 month)::date and figure.period_month and (figure.product_line is not distinct from coalesce((select
--     known(products.product_line) from core.products as products where products.product_id = line.product_id), known(null))) sums
--     lost_quotations = 1, lost_quotation_amount = amount
-- columns:
--   period_month                   DATE
--   account_id                     VARCHAR        here: The customer account; NULL where the observation is of the market
--   account_name                   VARCHAR        here: Name of the account; unknown where master data has none, NULL where the observation is of the market
--   account_manager                VARCHAR        here: Manager of the account; unknown where master data has none, NULL where the observation is of the market
--   competitor_id                  VARCHAR        The competitor
--   product_line                   VARCHAR        here: Product line that the observation names, else that of its part; unknown where there is none
--   kind                           VARCHAR        here: What was observed: price, share, ppm, otif, visit, technology, other; unknown where the observation does not say it
--   observation_id                 VARCHAR        The newest observation by the month end; of two of one day the one with the larger number
--   observed_on                    DATE           Its day
--   age_days                       BIGINT         [days; none; less is better] Days from the observation to the month end
--   product_id                     VARCHAR        here: The part that the observation names; NULL where it names none
--   source                         VARCHAR        Where it comes from
--   visit_id                       VARCHAR        here: The visit in which it was heard
--   notes                          VARCHAR        What was noted
--   value                          DECIMAL(36,6)  [as the row says; none] The competitor's figure; kind names it. A price is in the reporting currency, at the rate of its day
--   value_reason                   VARCHAR
--   our_value                      DECIMAL(36,6)  [as the row says; none] Our figure: a net price of the part, or of the product line where the observation names no part; our share of what the account buys, on time in full, parts per million and visits of the month
--   our_value_reason               VARCHAR
--   our_month                      DATE           The month that our price is of: the last one with sales by the month end
--   gap                            DECIMAL(36,6)  [as the row says; none] Our figure less the competitor's := our_value − value
--   gap_reason                     VARCHAR
--   index_ratio                    DECIMAL(36,6)  [multiple; ratio of our_value ÷ value] Our figure as a multiple of the competitor's; of prices above 1 the competitor is cheaper
--   index_ratio_reason             VARCHAR
--   lost_quotations                BIGINT         [count; none; less is better] Quotations of the account and product line lost to the competitor in the twelve months to the month end. Repeated in the rows of all kinds: do not add them up
--   lost_quotations_reason         VARCHAR
--   lost_quotation_amount          DECIMAL(32,2)  [reporting currency; none; less is better] Quantity times price of these quotations, each at the rate of the day of its offer. Repeated in the rows of all kinds
--   lost_quotation_amount_reason   VARCHAR
-- fmt: on
with
    windows as (
        select periods.period_month, months.period_month as lost_month
        from build.periods as periods
        join core.months as months on months.month_index between periods.month_index - 11 and periods.month_index
    ),

    lost as (
        select
            windows.period_month,
            quotations.account_id,
            quotations.competitor_id,
            known(products.product_line) as product_line,
            count(*) as lost_quotations,
            reasoned_sum(quotations.amount, quotations.amount_reason, true) as lost_quotation_amount,
            min(quotations.amount_reason) as amount_reason
        from core.quotation_months as quotations
        join windows on windows.lost_month = quotations.period_month
        left join core.products as products on products.product_id = quotations.product_id
        where quotations.is_lost
        group by windows.period_month, quotations.account_id, quotations.competitor_id, known(products.product_line)
    ),

    positions as (
        select
            periods.period_month,
            positions.* exclude (looked_month),
            coalesce(
                case when positions.account_id is null then 'the observation names no account' end,
                undeclared_reason('quotations', settings.declared_feeds)
            ) as no_quotations,
            coalesce(positions.value_reason, positions.our_value_reason) as no_gap
        from core.competitor_positions as positions
        join build.periods as periods on periods.period_month = positions.looked_month
        cross join build.settings as settings
    )

select
    positions.*,
    case when positions.account_id is not null then known(accounts.account_name) end as account_name,
    case when positions.account_id is not null then known(accounts.account_manager) end as account_manager,
    our_value - value as gap,
    no_gap as gap_reason,
    shown_ratio(ratio(our_value, value)) as index_ratio,
    case
        when no_gap is not null then no_gap when value = 0 then 'the figure of the competitor is 0'
    end as index_ratio_reason,
    case when no_quotations is null then coalesce(lost.lost_quotations, 0) end as lost_quotations,
    no_quotations as lost_quotations_reason,
    case
        when no_quotations is null and lost.period_month is null
        then 0
        when no_quotations is null
        then lost.lost_quotation_amount
    end as lost_quotation_amount,
    coalesce(no_quotations, lost.amount_reason) as lost_quotation_amount_reason
from positions
left join
    lost
    on lost.period_month = positions.period_month
    and lost.account_id = positions.account_id
    and lost.competitor_id = positions.competitor_id
    and lost.product_line = positions.product_line
left join core.accounts as accounts on accounts.account_id = positions.account_id
