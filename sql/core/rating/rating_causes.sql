-- fmt: off
-- grain: month built × account × dimension × document that costs points of the own score, apart for each deduction
-- why: order lines that were not on time in full, deliveries with rejects, issues that were not closed in time, and what
--   deductions of the rules count. `weight` says how much of the missing or deducted points a document takes
-- columns:
--   period_month  DATE
--   account_id    VARCHAR
--   dimension     VARCHAR
--   cause         VARCHAR
--   deduction     VARCHAR
--   document_id   VARCHAR
--   line_no       INTEGER
--   event_date    DATE
--   product_id    VARCHAR
--   quantity      DECIMAL(18,4)
--   weight        DECIMAL(24,6)
-- fmt: on
with
    events as (
        select events.*
        from core.rating_events as events
        semi join build.periods as periods on periods.period_month = events.period_month
        union all
        select
            period_month,
            account_id,
            'late_line',
            'delivery',
            order_id,
            line_no,
            due_date,
            product_id,
            quantity,
            null,
            null,
            null,
            null
        from core.rating_late_lines
    ),

    deductions as (
        select taken.period_month, taken.account_id, taken.points, asked.*
        from core.rating_deductions as taken
        join core.rating_rules as rules using (period_month, account_id)
        join
            build.rating_deductions as asked
            on asked.rules_no = rules.rules_no
            and asked.deduction_no = taken.deduction_no
    )

select
    period_month,
    account_id,
    dimension,
    event as cause,
    null as deduction,
    document_id,
    line_no,
    event_date,
    product_id,
    quantity,
    case when event = 'rejected_lot' then quantity else 1 end::decimal(24, 6) as weight
from events
where event in ('late_line', 'rejected_lot') or (event = 'overdue_issue' and dimension not in ('quality', 'delivery'))
union all
select
    deductions.period_month,
    deductions.account_id,
    deductions.dimension,
    'deduction',
    deductions.name,
    events.document_id,
    events.line_no,
    events.event_date,
    events.product_id,
    events.quantity,
    -- The documents of a deduction share its points equally.
    (
        deductions.points
        / count(*) over (partition by deductions.period_month, deductions.account_id, deductions.deduction_no)
    )::decimal(24, 6)
from deductions
join build.periods as periods on periods.period_month = deductions.period_month
left join
    events
    on events.period_month = deductions.period_month
    and events.account_id = deductions.account_id
    and events.event = deductions.event
    and is_among(events.issue_type, deductions.issue_type)
    and is_among(events.category, deductions.category)
    and is_among(events.severity, deductions.severity)
    and is_among(events.incident, deductions.incident)
