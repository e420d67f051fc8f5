-- fmt: off
-- grain: month looked back on × account × competitor × product line × kind of observation
-- why: the newest observation by the month's end. Of two observations of one day the larger number counts
-- columns:
--   looked_month       DATE
--   as_of_date         DATE
--   account_id         VARCHAR
--   competitor_id      VARCHAR
--   product_line       VARCHAR
--   kind               VARCHAR
--   observation_id     VARCHAR
--   observed_on        DATE
--   product_id         VARCHAR
--   said_product_line  VARCHAR
--   source             VARCHAR
--   visit_id           VARCHAR
--   notes              VARCHAR
--   value              DECIMAL(36,6)
--   value_reason       VARCHAR
-- fmt: on
with
    months as (select distinct looked_month, as_of_date from core.looked_months),

    named as (
        select
            observations.* exclude (product_line, kind),
            observations.product_line as said_product_line,
            known(coalesce(observations.product_line, products.product_line)) as product_line,
            known(observations.kind) as kind
        from core.competitor_observations as observations
        left join core.products as products on products.product_id = observations.product_id
    ),

    ordered as (
        select
            *,
            coalesce(
                lead(observed_on) over (
                    partition by account_id, competitor_id, product_line, kind order by observed_on, observation_id
                ),
                date '9999-12-31'
            ) as next_observed_on
        from named
    )

select
    months.looked_month,
    months.as_of_date,
    ordered.account_id,
    ordered.competitor_id,
    ordered.product_line,
    ordered.kind,
    ordered.observation_id,
    ordered.observed_on,
    ordered.product_id,
    ordered.said_product_line,
    ordered.source,
    ordered.visit_id,
    ordered.notes,
    shown_ratio(
        case when ordered.kind = 'price' then at_rate(ordered.value, rates.rate) else ordered.value end
    ) as value,
    case
        when ordered.value is null
        then 'the observation gives no figure'
        when ordered.kind = 'price'
        then rate_reason(rates.rate, ordered.currency)
    end as value_reason
from months
join ordered on ordered.observed_on <= months.as_of_date and ordered.next_observed_on > months.as_of_date
left join core.daily_rates as rates on rates.currency = ordered.currency and rates.rate_date = ordered.observed_on
