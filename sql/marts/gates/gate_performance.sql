-- fmt: off
-- grain: period_month, project_id, gate
-- why: which gates of a project are passed, which slip and by how much, and after the start of production whether the quantity comes.
--   A rejected gate is open. An open gate is passed on its planned day or at the month end, whichever is later
-- method: gate-performance-1
-- needs: milestones
-- lines: core.milestones by project_id, gate;
--   for delivered_since_sop_quantity: core.delivery_lines by account_id, product_id where line.delivered_date between figure.actual_date
--     and (select months.as_of_date from core.months as months where months.period_month = figure.period_month) sums
--     delivered_since_sop_quantity = quantity
-- columns:
--   period_month                   DATE
--   project_id                     VARCHAR        The project
--   gate                           VARCHAR        The gate, such as RFQ, award, OTS, PPAP, SOP (start of production) source: AIAG, APQP and PPAP
--   account_id                     VARCHAR
--   account_name                   VARCHAR
--   account_manager                VARCHAR
--   product_id                     VARCHAR        here: The part that the project is about; NULL where it names none
--   requested_date                 DATE           Day by which the customer wants it
--   planned_date                   DATE           Day for which it is planned, as far as known at the month end
--   first_planned_date             DATE           Day for which it was planned first
--   actual_date                    DATE           Day on which it was decided, by the month end
--   result                         VARCHAR        What was decided: approved, interim, rejected; NULL where the source does not say it
--   is_done                        BOOLEAN        Whether it is decided and not rejected
--   is_next_gate                   BOOLEAN        Whether it is the open gate of the project that is planned first
--   is_on_time                     BOOLEAN        Whether it is passed by the day requested, else by the day planned first; NULL without such a day
--   is_on_time_reason              VARCHAR
--   slip_days_requested            BIGINT         [days; none; less is better] Days from the day requested to the day on which it is passed; negative = early
--   slip_days_requested_reason     VARCHAR
--   slip_days_planned              BIGINT         [days; none; less is better] Days from the day planned to the day on which it is passed
--   slip_days_planned_reason       VARCHAR
--   slip_days_first_planned        BIGINT         [days; none; less is better] Days from the day planned first to the day on which it is passed
--   slip_days_first_planned_reason VARCHAR
--   lifetime_amount                DECIMAL(32,2)  [reporting currency; none] Sales expected over the life of the part, at the closing rate; each gate that names them repeats them := annual_quantity × unit_price × lifetime_years
--   lifetime_amount_reason         VARCHAR
--   delivered_since_sop_quantity   DECIMAL(34,4)  [units of the item; last in time; more is better] Quantity of the part delivered to the account from the start of production to the month end; in the row of the gate SOP
--   delivered_since_sop_quantity_reason VARCHAR
--   planned_since_sop_quantity     DECIMAL(34,4)  [units of the item; last in time] Quantity expected in this time := annual_quantity × days from the start of production to the month end ÷ 365
--   planned_since_sop_quantity_reason VARCHAR
--   ramp_ratio                     DECIMAL(36,6)  [fraction; ratio of delivered_since_sop_quantity ÷ planned_since_sop_quantity; more is better] Share of the expected quantity that was delivered
--   ramp_ratio_reason              VARCHAR
-- fmt: on
with
    gates as (
        select months.*, upper(months.gate) in ('SOP', 'START OF PRODUCTION') as is_sop
        from core.gate_months as months
        semi join build.periods as periods on periods.period_month = months.looked_month
    ),

    started as (from gates where is_sop and is_done and product_id is not null),

    delivered as (
        select started.looked_month, started.project_id, started.gate, sum(lines.quantity) as quantity
        from started
        join
            core.delivery_lines as lines
            on lines.account_id = started.account_id
            and lines.product_id = started.product_id
            and lines.delivered_date between started.actual_date and started.as_of_date
        group by started.looked_month, started.project_id, started.gate
    ),

    explained as (
        select
            gates.* exclude (looked_month),
            gates.looked_month as period_month,
            case
                when not gates.is_sop
                then 'the gate is not SOP'
                when not gates.is_done
                then 'production has not started by the month end'
            end as no_start,
            coalesce(
                no_start, case when gates.product_id is null then 'the project names no part' end, records.no_deliveries
            ) as delivered_since_sop_quantity_reason,
            coalesce(
                no_start, case when gates.annual_quantity is null then 'no annual quantity is given' end
            ) as planned_since_sop_quantity_reason,
            case
                when delivered_since_sop_quantity_reason is null then coalesce(delivered.quantity, 0)
            end as delivered_since_sop_quantity,
            case
                when planned_since_sop_quantity_reason is null
                then share_of_days(gates.annual_quantity, gates.as_of_date - gates.actual_date, 365)
            end as planned_since_sop_quantity,
            to_cents(
                at_rate(
                    at_rate(at_price(gates.annual_quantity, gates.unit_price), gates.lifetime_years), rates.closing_rate
                )
            ) as lifetime_amount,
            case
                when gates.annual_quantity is null
                then 'no annual quantity is given'
                when gates.unit_price is null
                then 'no unit price is given'
                when gates.lifetime_years is null
                then 'no lifetime is given'
                when rates.closing_rate is null
                then no_rate(gates.currency)
                when lifetime_amount is null
                then 'lifetime sales are 10²⁷ or more'
            end as lifetime_amount_reason
        from gates
        cross join core.delivery_records as records
        left join
            delivered
            on delivered.looked_month = gates.looked_month
            and delivered.project_id = gates.project_id
            and delivered.gate = gates.gate
        left join
            core.month_rates as rates on rates.period_month = gates.looked_month and rates.currency = gates.currency
    )

select
    explained.*,
    known(accounts.account_name) as account_name,
    known(accounts.account_manager) as account_manager,
    case when is_on_time is null then 'no day is requested or planned' end as is_on_time_reason,
    case when slip_days_requested is null then 'no day is requested' end as slip_days_requested_reason,
    case when slip_days_planned is null then 'no day is planned' end as slip_days_planned_reason,
    case when slip_days_first_planned is null then 'no day is planned' end as slip_days_first_planned_reason,
    shown_ratio(ratio(delivered_since_sop_quantity, planned_since_sop_quantity)) as ramp_ratio,
    coalesce(
        delivered_since_sop_quantity_reason,
        planned_since_sop_quantity_reason,
        case when planned_since_sop_quantity = 0 then 'nothing is expected by the month end' end
    ) as ramp_ratio_reason
from explained
left join core.accounts as accounts on accounts.account_id = explained.account_id
