-- fmt: off
-- grain: month looked at × quotation that is open at its end, or was asked for, first quoted or decided in it
-- why: what happened to a quotation in the month, and what it is worth. What was asked for is dated as the first revision says
-- lines: core.quotations by quotation_id
-- columns:
--   period_month         DATE
--   as_of_date           DATE
--   quotation_id         VARCHAR
--   revision             INTEGER
--   revision_count       BIGINT
--   account_id           VARCHAR
--   document_manager     VARCHAR
--   product_id           VARCHAR
--   project_id           VARCHAR
--   project_type         VARCHAR
--   rfq_date             DATE
--   requested_by         DATE
--   first_quoted_date    DATE
--   quoted_date          DATE
--   quantity             DECIMAL(18,4)
--   unit_price           DECIMAL(24,10)
--   target_price         DECIMAL(24,10)
--   currency             VARCHAR
--   decision             VARCHAR
--   decided_date         DATE
--   lost_reason          VARCHAR
--   competitor_id        VARCHAR
--   order_id             VARCHAR
--   amount               DECIMAL(32,2)
--   amount_reason        VARCHAR
--   has_gap              BOOLEAN
--   price_gap_amount     DECIMAL(32,2)
--   target_amount        DECIMAL(32,2)
--   price_gap_amount_reason  VARCHAR
--   is_open              BOOLEAN
--   is_received          BOOLEAN
--   is_package_complete  BOOLEAN
--   is_quoted            BOOLEAN
--   is_quoted_on_time    BOOLEAN
--   turnaround_days      BIGINT
--   is_won               BOOLEAN
--   is_lost              BOOLEAN
--   is_declined          BOOLEAN
--   is_withdrawn         BOOLEAN
-- fmt: on
with
    dated as (
        select
            states.*,
            newest.account_id,
            newest.account_manager as document_manager,
            newest.product_id,
            newest.project_id,
            known(newest.project_type) as project_type,
            first_one.rfq_date,
            first_one.requested_by,
            newest.quantity as asked_quantity,
            newest.target_price as asked_price,
            newest.currency as asked_currency,
            rates.rate,
            at_price(states.offer.quantity, states.offer.unit_price) as offered,
            at_price(states.offer.quantity, states.offer.target_price) as wanted,
            states.decision.decided_date is null as is_open,
            first_one.rfq_date >= states.start_date as is_received,
            coalesce(states.first_quoted_date >= states.start_date, false) as is_quoted,
            coalesce(states.decision.decided_date >= states.start_date, false) as is_decided
        from core.quotation_states as states
        join
            core.quotations as newest on newest.quotation_id = states.quotation_id and newest.revision = states.revision
        join
            core.quotations as first_one
            on first_one.quotation_id = states.quotation_id
            and first_one.revision = states.first_revision
        left join
            core.daily_rates as rates
            on rates.currency = states.offer.currency
            and rates.rate_date = states.offer.quoted_date
    )

select
    period_month,
    as_of_date,
    quotation_id,
    revision,
    revision_count,
    account_id,
    document_manager,
    product_id,
    project_id,
    project_type,
    rfq_date,
    requested_by,
    first_quoted_date,
    offer.quoted_date,
    case when offer is null then asked_quantity else offer.quantity end as quantity,
    offer.unit_price,
    case when offer is null then asked_price else offer.target_price end as target_price,
    case when offer is null then asked_currency else offer.currency end as currency,
    decision.decision,
    decision.decided_date,
    decision.lost_reason,
    decision.competitor_id,
    decision.order_id,
    to_cents(at_rate(offered, rate)) as amount,
    case
        when offer is null
        then 'not quoted by the month end'
        when offer.unit_price is null
        then 'quoted without a price'
        when offer.quantity is null
        then 'quoted without a quantity'
        else rate_reason(rate, offer.currency)
    end as amount_reason,
    is_quoted
    and offer.quantity is not null
    and offer.unit_price is not null
    and offer.target_price is not null as has_gap,
    case when has_gap then to_cents(at_rate(offered - wanted, rate)) end as price_gap_amount,
    case when has_gap then to_cents(at_rate(wanted, rate)) end as target_amount,
    case
        when not is_quoted
        then 'not first quoted in the month'
        when not has_gap
        then 'no price, target price or quantity'
        when rate is null
        then rate_reason(rate, offer.currency)
        when target_amount is null
        then 'quantity × target price is 10²⁷ or more'
    end as price_gap_amount_reason,
    is_open,
    is_received,
    is_received and is_package_complete as is_package_complete,
    is_quoted,
    is_quoted and coalesce(first_quoted_date <= requested_by, false) as is_quoted_on_time,
    case when is_quoted then first_quoted_date - rfq_date end as turnaround_days,
    is_decided and coalesce(decision.decision = 'won', false) as is_won,
    is_decided and coalesce(decision.decision = 'lost', false) as is_lost,
    is_decided and coalesce(decision.decision = 'declined', false) as is_declined,
    is_decided and coalesce(decision.decision = 'withdrawn', false) as is_withdrawn
from dated
where is_open or is_received or is_quoted or is_decided
