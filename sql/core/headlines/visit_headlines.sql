-- fmt: off
-- grain: month looked back on × account × measure
-- why: visits held since the first one of an account, what they cost as a share of the month's sales, and for key accounts the days
--   since the last one held. Without one on record these count from the first day of the visit log
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    log as (select min(visit_date) as first_date from core.visits),

    first_days as (
        select account_id, min(visit_date) as first_date
        from core.visits
        where visit_date is not null
        group by account_id
    ),

    held as (
        select period_month as looked_month, account_id, count(*) as held, complete_sum(cost, has_cost) as cost
        from core.visit_months
        where is_held
        group by period_month, account_id
    )

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
union all
select months.looked_month, first_days.account_id, 'visit_performance.held', coalesce(held.held, 0)::decimal(36, 6)
from first_days
join months on months.as_of_date >= first_days.first_date
left join held on held.looked_month = months.looked_month and held.account_id = first_days.account_id
union all
select
    sales.looked_month,
    sales.account_id,
    'account_review.visit_cost_ratio',
    shown_ratio(ratio(case when held.account_id is null then 0 else held.cost end, greatest(sales.figure, 0)))::decimal(
        36, 6
    )
from core.sales_headlines as sales
join months on months.looked_month = sales.looked_month
join core.visit_records as records on records.cost_from <= months.as_of_date
left join held on held.looked_month = sales.looked_month and held.account_id = sales.account_id
where sales.measure = 'sales.net_amount'
