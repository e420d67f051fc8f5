-- fmt: off
-- grain: month looked back on × account, from its first promise on
-- why: promises of payment that fell due in a month and were not kept by its end
-- columns:
--   looked_month  DATE
--   account_id    VARCHAR
--   measure       VARCHAR
--   figure        DECIMAL(36,6)
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    promises as (
        select
            days.period_month as looked_month,
            visits.visit_id,
            visits.account_id,
            visits.promised_payment_amount as promised,
            months.as_of_date
        from core.visits as visits
        join core.days as days on days.calendar_date = visits.promised_payment_date
        join months on months.looked_month = days.period_month
        where
            visits.promised_payment_amount > 0
            and visits.promised_payment_date <= months.as_of_date
            and coalesce(visits.visit_date, visits.planned_date) <= months.as_of_date
    ),

    received as (
        select promises.visit_id, sum(receipts.amount_doc) as amount, min(receipts.rate_reason) as rate_reason
        from promises
        join
            core.promise_receipts as receipts
            on receipts.visit_id = promises.visit_id
            and receipts.known_from <= promises.as_of_date
        group by promises.visit_id
    ),

    broken as (
        select
            promises.looked_month,
            promises.account_id,
            count_if(coalesce(received.amount, 0) < promises.promised) as broken_count,
            -- A receipt that cannot be compared may have kept it.
            count_if(
                coalesce(received.amount, 0) < promises.promised and received.rate_reason is not null
            ) as unknown_count
        from promises
        left join received on received.visit_id = promises.visit_id
        group by promises.looked_month, promises.account_id
    ),

    first_days as (
        select account_id, min(coalesce(visit_date, planned_date)) as first_date
        from core.visits
        where promised_payment_amount > 0
        group by account_id
    )

select
    months.looked_month,
    first_days.account_id,
    'promises.state' as measure,
    case when coalesce(broken.unknown_count, 0) = 0 then coalesce(broken.broken_count, 0) end::decimal(36, 6) as figure
from first_days
join months on months.as_of_date >= first_days.first_date
cross join build.settings as settings
left join broken on broken.looked_month = months.looked_month and broken.account_id = first_days.account_id
where list_contains(settings.declared_feeds, 'payments')
