-- fmt: off
-- grain: level with a balance that its billing makes up
-- why: days sales outstanding by countback: the latest months' billing, month by month backwards, until it makes up the
--   balance, the last month pro rata. No row where all billing on record does not
-- columns:
--   level_no        BIGINT
--   unrated_count   BIGINT
--   countback_days  DECIMAL(32,2)
-- fmt: on
with
    billing as (
        select
            level_name(grouping(account_id), grouping(account_manager)) as level,
            account_id,
            account_manager,
            month_index,
            complete_sum(amount, true) as amount
        from core.receivable_billing
        group by grouping sets ((month_index, account_id), (month_index, account_manager), (month_index))
    ),

    taken as (
        select
            levels.level_no,
            periods.as_of_date,
            levels.closing_amount,
            billing.month_index,
            billing.amount,
            sum(billing.amount) over backwards as taken_amount,
            count(*) over backwards - count(billing.amount) over backwards as unrated_count
        from core.receivable_levels as levels
        join core.receivable_periods as periods using (period_month)
        join
            billing
            on billing.level = levels.level
            and billing.account_id is not distinct from levels.account_id
            and billing.account_manager is not distinct from levels.account_manager
            and billing.month_index <= periods.month_index
        where levels.closing_amount > 0
        window backwards as (partition by levels.level_no order by billing.month_index desc rows unbounded preceding)
    ),

    reached as (
        select
            level_no,
            as_of_date,
            max(month_index) as month_index,
            arg_max(ratio(closing_amount - (taken_amount - amount), amount), month_index) as month_share,
            arg_max(unrated_count, month_index) as unrated_count
        from taken
        where taken_amount >= closing_amount and amount is not null
        group by level_no, as_of_date
    )

select
    reached.level_no,
    reached.unrated_count,
    money_round(
        (reached.as_of_date - months.as_of_date) + reached.month_share * (months.as_of_date - months.start_date + 1)
    ) as countback_days
from reached
join core.months as months on months.month_index = reached.month_index
