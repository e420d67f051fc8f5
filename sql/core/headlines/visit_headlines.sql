-- fmt: off
-- grain: month looked back on × key account
-- why: days since the last visit held. Without one on record they count from the first day of the visit log
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    log as (select min(visit_date) as first_date from core.visits)

select
    months.looked_month,
    accounts.account_id,
    'visits.days_since_last' as measure,
    (months.as_of_date - coalesce(max(visits.visit_date), min(log.first_date)))::decimal(36, 6) as figure
from core.accounts as accounts
cross join log
join months on months.as_of_date >= log.first_date
left join core.visits as visits on visits.account_id = accounts.account_id and visits.visit_date <= months.as_of_date
where accounts.key_account
group by months.looked_month, months.as_of_date, accounts.account_id
