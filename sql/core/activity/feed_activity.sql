-- fmt: off
-- grain: feed × business month × account × product × currency
-- why: what the feeds of events hold for the months to build and the twelve before each, counted once for all rules that compare a
--   month with those before it; which feeds these are, and what is NULL in them, follows from the contracts in kam/site/feeds.py
-- columns:
--   feed               VARCHAR
--   period_month       DATE
--   month_index        INTEGER
--   account_id         VARCHAR
--   product_id         VARCHAR
--   currency           VARCHAR
--   row_count          BIGINT
--   newest_date        DATE
--   line_count         BIGINT
--   line_quantity      DECIMAL(38,4)
--   priced_quantity    DECIMAL(38,4)
--   priced_amount_doc  DECIMAL(38,8)
-- fmt: on
with
    wanted as (
        select distinct months.period_month, months.month_index
        from core.months as months
        join build.periods as periods on months.month_index between periods.month_index - 12 and periods.month_index
    ),

    days as (
        select days.calendar_date, wanted.period_month, wanted.month_index
        from core.days as days
        join wanted on wanted.period_month = days.period_month
    )

select
    events.feed,
    days.period_month,
    days.month_index,
    events.account_id,
    events.product_id,
    events.currency,
    count(*) as row_count,
    max(events.happened_on) as newest_date,
    count(events.line_quantity) as line_count,
    sum(events.line_quantity) as line_quantity,
    sum(events.line_quantity) filter (where events.amount_doc is not null) as priced_quantity,
    sum(events.amount_doc) filter (where events.line_quantity is not null) as priced_amount_doc
from core.feed_events as events
join days on days.calendar_date = events.event_date
group by all
