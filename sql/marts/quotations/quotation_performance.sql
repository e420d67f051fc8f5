-- fmt: off
-- grain: period_month, account_id, project_type
-- why: how soon we answer requests for an offer, how far our prices are from what the customer wants to pay, and what we win and lose. A row
--   also where only the twelve months have a decision
-- method: quotation-performance-1
-- needs: quotations
-- lines: core.quotation_months by period_month, account_id, project_type sums received = is_received, package_complete =
--     is_package_complete, quoted = is_quoted, quoted_with_date = is_quoted and requested_by is not null, quoted_on_time =
--     is_quoted_on_time, turnaround_days, price_gap_amount = case when has_gap then price_gap_amount end, target_amount = case when
--     has_gap then target_amount end, open = is_open, won = is_won, lost = is_lost, decided = is_won or is_lost, declined = is_declined,
--     withdrawn = is_withdrawn, won_amount = case when is_won then amount end, lost_amount = case when is_lost then amount end;
--   for rolling_12_won, rolling_12_decided: core.quotation_months by account_id, project_type where line.period_month between
--     (figure.period_month - interval 11 month)::date and figure.period_month sums rolling_12_won = is_won, rolling_12_decided = is_won
--     or is_lost
-- columns:
--   period_month                    DATE
--   account_id                      VARCHAR
--   account_name                    VARCHAR
--   account_manager                 VARCHAR
--   project_type                    VARCHAR
--   received                        BIGINT         [count; sum; more is better] Quotations that the customer asked for in the month
--   package_complete                BIGINT         [count; sum; more is better] Of these, the ones asked for with drawing, quantities, specification, usage and sample, as the first revision says. When that was added has no date: the figure is as known at the close
--   quoted                          BIGINT         [count; sum; more is better] Quotations for which the first offer was made in the month
--   quoted_with_date                BIGINT         [count; sum] Of these, the ones that the customer wanted by a date
--   quoted_on_time                  BIGINT         [count; sum; more is better] Of these, the ones first quoted by it
--   quoted_on_time_ratio            DECIMAL(18,6)  [fraction; ratio of quoted_on_time ÷ quoted_with_date; more is better] Share of the offers that were made in time
--   quoted_on_time_ratio_reason     VARCHAR
--   turnaround_days                 BIGINT         [days; sum; less is better] Days from the request to the first offer, over those quoted in the month
--   average_turnaround_days         DECIMAL(18,6)  [days; ratio of turnaround_days ÷ quoted; less is better] Days from the request to the first offer, on average
--   average_turnaround_days_reason  VARCHAR
--   price_gap_amount                DECIMAL(32,2)  [reporting currency; sum; less is better] (Price − target price) × quantity, over those first quoted in the month that have both; price and quantity of the newest offer by the month end
--   target_amount                   DECIMAL(32,2)  [reporting currency; sum] The same offers at the target price
--   price_gap_amount_reason         VARCHAR        Why price_gap_amount is undefined; target_amount is undefined then too
--   price_gap_ratio                 DECIMAL(36,6)  [fraction; ratio of price_gap_amount ÷ target_amount; less is better] How far our prices are above what the customers want to pay
--   price_gap_ratio_reason          VARCHAR
--   open                            BIGINT         [count; last in time] Quotations that are not decided at the month end, quoted or not
--   won                             BIGINT         [count; sum; more is better] Quotations won in the month source: ERPNext, Quotation: Ordered
--   lost                            BIGINT         [count; sum; less is better] Quotations lost in the month source: ERPNext, Lost Quotations
--   decided                         BIGINT         [count; sum] Quotations won or lost in the month
--   declined                        BIGINT         [count; sum] Quotations that we declined in the month
--   withdrawn                       BIGINT         [count; sum] Quotations that the customers withdrew in the month
--   hit_ratio                       DECIMAL(18,6)  [fraction; ratio of won ÷ decided; more is better] Share of the decisions that were for us
--   hit_ratio_reason                VARCHAR
--   rolling_12_won                  BIGINT         [count; last in time; more is better] Quotations won in the twelve months to the month end
--   rolling_12_decided              BIGINT         [count; last in time] Quotations won or lost in the twelve months
--   rolling_12_hit_ratio            DECIMAL(18,6)  [fraction; ratio of rolling_12_won ÷ rolling_12_decided; more is better] Share of the decisions of the twelve months that were for us
--   rolling_12_hit_ratio_reason     VARCHAR
--   won_amount                      DECIMAL(32,2)  [reporting currency; sum; more is better] Quantity times price of the quotations won, each at the rate of the day of its offer
--   won_amount_reason               VARCHAR        Why won_amount is undefined: of one of them the amount is not known
--   lost_amount                     DECIMAL(32,2)  [reporting currency; sum; less is better] The same of those lost: the opportunity loss
--   lost_amount_reason              VARCHAR        Why lost_amount is undefined: of one of them the amount is not known
-- fmt: on
with
    windows as (
        select periods.period_month, months.period_month as counted_month
        from build.periods as periods
        join core.months as months on months.month_index between periods.month_index - 11 and periods.month_index
    ),

    counted as (
        select
            windows.period_month, months.period_month = windows.period_month as is_now, months.* exclude (period_month)
        from core.quotation_months as months
        join windows on windows.counted_month = months.period_month
    ),

    totals as (
        select
            period_month,
            account_id,
            project_type,
            count_if(is_now and is_received) as received,
            count_if(is_now and is_package_complete) as package_complete,
            count_if(is_now and is_quoted) as quoted,
            count_if(is_now and is_quoted and requested_by is not null) as quoted_with_date,
            count_if(is_now and is_quoted_on_time) as quoted_on_time,
            coalesce(sum(turnaround_days) filter (is_now), 0) as turnaround_days,
            count_if(is_now and has_gap) as gap_count,
            reasoned_sum(price_gap_amount, price_gap_amount_reason, is_now and has_gap) as price_gap_amount,
            reasoned_sum(target_amount, price_gap_amount_reason, is_now and has_gap) as target_amount,
            min(price_gap_amount_reason) filter (is_now and has_gap) as price_gap_amount_reason,
            count_if(is_now and is_open) as open,
            count_if(is_now and is_won) as won,
            count_if(is_now and is_lost) as lost,
            won + lost as decided,
            count_if(is_now and is_declined) as declined,
            count_if(is_now and is_withdrawn) as withdrawn,
            count_if(is_won) as rolling_12_won,
            count_if(is_won or is_lost) as rolling_12_decided,
            reasoned_sum(amount, amount_reason, is_now and is_won) as won_amount,
            min(amount_reason) filter (is_now and is_won) as won_amount_reason,
            reasoned_sum(amount, amount_reason, is_now and is_lost) as lost_amount,
            min(amount_reason) filter (is_now and is_lost) as lost_amount_reason
        from counted
        group by period_month, account_id, project_type
        having bool_or(is_now or is_won or is_lost)
    )

select
    totals.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    ratio(quoted_on_time, quoted_with_date) as quoted_on_time_ratio,
    case
        when quoted_with_date = 0 then 'nothing that was wanted by a date was first quoted in the month'
    end as quoted_on_time_ratio_reason,
    ratio(turnaround_days, quoted) as average_turnaround_days,
    case when quoted = 0 then 'nothing was first quoted in the month' end as average_turnaround_days_reason,
    shown_ratio(ratio(price_gap_amount, target_amount)) as price_gap_ratio,
    case
        when price_gap_amount_reason is not null
        then price_gap_amount_reason
        when gap_count = 0
        then 'no quotation first quoted in the month has a price, a target price and a quantity'
        when target_amount = 0
        then 'the target prices are 0'
    end as price_gap_ratio_reason,
    ratio(won, decided) as hit_ratio,
    case when decided = 0 then 'nothing was won or lost in the month' end as hit_ratio_reason,
    ratio(rolling_12_won, rolling_12_decided) as rolling_12_hit_ratio,
    case
        when rolling_12_decided = 0 then 'nothing was won or lost in the twelve months'
    end as rolling_12_hit_ratio_reason
from totals
left join core.accounts as accounts on accounts.account_id = totals.account_id
