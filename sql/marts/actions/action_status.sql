-- fmt: off
-- grain: period_month, account_manager, account_id, kind
-- why: what was agreed to be done and what became of it: done, done in time, overdue or forgotten
-- method: action-status-1
-- needs: actions
-- lines: build.actions by period_month, account_manager, account_id, kind sums opened = is_opened, done = is_done, done_with_due =
--     is_done and due_date is not null, done_on_time = is_done_on_time, cancelled = is_cancelled, open = is_open, overdue = is_overdue,
--     not_updated_7_days = is_not_updated, age_days
-- columns:
--   period_month             DATE
--   account_manager          VARCHAR        here: Manager of the account, else the owner of the actions
--   account_id               VARCHAR        here: The customer account; NULL where the actions are of none
--   account_name             VARCHAR        here: Name of the account; unknown where master data has none, NULL where the actions are of none
--   kind                     VARCHAR
--   opened                   BIGINT         [count; sum] Actions agreed in the month
--   done                     BIGINT         [count; sum; more is better] Actions done in the month
--   done_with_due            BIGINT         [count; sum] Of these, the ones that have a due date
--   done_on_time             BIGINT         [count; sum; more is better] Of these, the ones done by it
--   done_on_time_ratio       DECIMAL(18,6)  [fraction; ratio of done_on_time ÷ done_with_due; more is better] Share of those with a due date that was done by it
--   done_on_time_ratio_reason VARCHAR
--   cancelled                BIGINT         [count; sum; less is better] Actions given up in the month
--   open                     BIGINT         [count; last in time; less is better] Actions neither done nor given up at the month end
--   overdue                  BIGINT         [count; last in time; less is better] Of these, the ones whose due date lies before the month end
--   not_updated_7_days       BIGINT         [count; last in time; less is better] Of those open, the ones on which nobody reported in the last 7 days
--   age_days                 BIGINT         [days; last in time; less is better] Days from agreement to the month end, over those open
--   average_age_days         DECIMAL(18,6)  [days; ratio of age_days ÷ open; less is better] Days from agreement to the month end, on average
--   average_age_days_reason  VARCHAR
-- fmt: on
with
    totals as (
        select
            months.looked_month as period_month,
            known(coalesce(accounts.account_manager, months.owner)) as account_manager,
            months.account_id,
            case when months.account_id is not null then known(any_value(accounts.account_name)) end as account_name,
            months.kind,
            count_if(is_opened) as opened,
            count_if(is_done) as done,
            count_if(is_done and due_date is not null) as done_with_due,
            count_if(is_done_on_time) as done_on_time,
            count_if(is_cancelled) as cancelled,
            count_if(is_open) as open,
            count_if(is_overdue) as overdue,
            count_if(is_not_updated) as not_updated_7_days,
            coalesce(sum(age_days), 0) as age_days
        from core.action_months as months
        semi join build.periods as periods on periods.period_month = months.looked_month
        left join core.accounts as accounts on accounts.account_id = months.account_id
        group by
            months.looked_month, known(coalesce(accounts.account_manager, months.owner)), months.account_id, months.kind
    )

select
    totals.*,
    ratio(done_on_time, done_with_due) as done_on_time_ratio,
    case when done_with_due = 0 then 'nothing with a due date was done in the month' end as done_on_time_ratio_reason,
    ratio(age_days, open) as average_age_days,
    case when open = 0 then 'nothing is open' end as average_age_days_reason
from totals
