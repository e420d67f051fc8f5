-- fmt: off
-- grain: opportunity × day of its decision, of those decided in the twelve months to a month built
-- why: the probability stated three months before the decision, else the earliest one. A record that names the outcome states
--   none, nor does one made after the decision; an opportunity without any other has no row
-- lines: core.opportunities by opportunity_id
-- columns:
--   opportunity_id       VARCHAR
--   closed_on            DATE
--   stated_on            DATE
--   stated_probability   DECIMAL(18,4)
--   account_manager      VARCHAR
-- fmt: on
with
    decisions as (
        select distinct opportunity_id, closed_on
        from core.opportunity_months
        semi join build.periods using (period_month)
        where is_decided
    ),

    statements as (
        select opportunity_id, recorded_on, success_probability, account_manager
        from core.opportunities
        where outcome is null and success_probability is not null
    ),

    stated as (
        select
            decisions.opportunity_id,
            decisions.closed_on,
            coalesce(
                max(statements.recorded_on) filter (
                    statements.recorded_on <= (decisions.closed_on - interval 3 month)::date
                ),
                min(statements.recorded_on)
            ) as stated_on
        from decisions
        join
            statements
            on statements.opportunity_id = decisions.opportunity_id
            and statements.recorded_on <= decisions.closed_on
        group by decisions.opportunity_id, decisions.closed_on
    )

select
    stated.opportunity_id,
    stated.closed_on,
    stated.stated_on,
    statements.success_probability as stated_probability,
    statements.account_manager
from stated
join statements on statements.opportunity_id = stated.opportunity_id and statements.recorded_on = stated.stated_on
