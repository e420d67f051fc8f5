-- fmt: off
-- grain: period_month, account_id, dimension, origin
-- why: how many issues were opened, opened again and are open, and how soon they were closed
-- method: issue-performance-1
-- needs: issues
-- lines: build.issues by period_month, account_id, dimension, origin sums opened = is_opened, closed = is_closed, closed_with_target =
--     is_closed and target_close_date is not null, closed_on_time = is_closed_on_time, open = is_open, overdue_open = is_overdue,
--     reopened = is_reopened, repeated = is_repeated, days_to_close, cost, open_0_30 = is_open and age_days <= 30, open_31_60 = is_open
--     and age_days between 31 and 60, open_61_90 = is_open and age_days between 61 and 90, open_over_90 = is_open and age_days > 90
-- columns:
--   period_month                  DATE
--   account_id                    VARCHAR
--   account_name                  VARCHAR
--   account_manager               VARCHAR
--   dimension                     VARCHAR        Dimension of the rating that the issues are about; unknown where they name none
--   origin                        VARCHAR
--   opened                        BIGINT         [count; sum; less is better] Issues opened in the month
--   closed                        BIGINT         [count; sum; more is better] Issues closed in the month and not opened again by its end
--   closed_with_target            BIGINT         [count; sum] Of these, the ones that have a target date
--   closed_on_time                BIGINT         [count; sum; more is better] Of these, the ones closed by it
--   open                          BIGINT         [count; last in time; less is better] Issues open at the month end
--   overdue_open                  BIGINT         [count; last in time; less is better] Of these, the ones whose target date lies before the month end
--   reopened                      BIGINT         [count; sum; less is better] Issues opened again in the month, closed again or not
--   repeated                      BIGINT         [count; sum; less is better] Of the issues opened, those opened at most 90 days after another one of the account about the same part and dimension
--   days_to_close                 BIGINT         [days; sum; less is better] Days from opening to closing, over the issues closed in the month
--   average_days_to_close         DECIMAL(18,2)  [days; ratio of days_to_close ÷ closed; less is better] Days from opening to closing, on average
--   average_days_to_close_reason  VARCHAR
--   cost                          DECIMAL(32,2)  [reporting currency; sum; less is better] What the issues opened in the month cost us, each at the rate of that day
--   cost_reason                   VARCHAR
--   open_0_30                     BIGINT         [count; last in time; less is better] Open issues opened at most 30 days before the month end
--   open_31_60                    BIGINT         [count; last in time; less is better] Open issues opened 31 to 60 days before it
--   open_61_90                    BIGINT         [count; last in time; less is better] Open issues opened 61 to 90 days before it
--   open_over_90                  BIGINT         [count; last in time; less is better] Open issues opened more than 90 days before it
-- fmt: on
with
    totals as (
        select
            period_month,
            as_of_date,
            account_id,
            dimension,
            origin,
            count_if(is_opened) as opened,
            count_if(is_closed) as closed,
            count_if(is_closed and target_close_date is not null) as closed_with_target,
            count_if(is_closed and is_closed_in_time) as closed_on_time,
            count_if(is_open) as open,
            count_if(is_overdue) as overdue_open,
            count_if(is_reopened) as reopened,
            count_if(is_repeated) as repeated,
            coalesce(sum(days_to_close), 0) as days_to_close,
            complete_sum(cost, has_cost) as cost,
            min(cost_reason) as cost_reason,
            count_if(is_open and age_days <= 30) as open_0_30,
            count_if(is_open and age_days between 31 and 60) as open_31_60,
            count_if(is_open and age_days between 61 and 90) as open_61_90,
            count_if(is_open and age_days > 90) as open_over_90
        from core.issue_months
        where is_built and (is_open or is_opened or is_closed or is_reopened)
        group by period_month, as_of_date, account_id, dimension, origin
    ),

    costs as (select min(opened_date) as cost_from from core.issues where cost is not null),

    reasons as (
        select
            totals.* exclude (cost_reason),
            coalesce(
                case when coalesce(costs.cost_from > totals.as_of_date, true) then 'no issue so far names its cost' end,
                case when totals.cost is null then totals.cost_reason end
            ) as no_cost
        from totals
        cross join costs
    )

select
    reasons.* exclude (as_of_date, cost, no_cost),
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    ratio(reasons.days_to_close, reasons.closed)::decimal(18, 6) as average_days_to_close,
    case when reasons.closed = 0 then 'nothing was closed in the month' end as average_days_to_close_reason,
    case when reasons.no_cost is null then reasons.cost end as cost,
    reasons.no_cost as cost_reason
from reasons
left join core.accounts as accounts on accounts.account_id = reasons.account_id
