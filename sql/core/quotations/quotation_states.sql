-- fmt: off
-- grain: month looked at × quotation known at its end, as core.quotation_revisions has them
-- why: what the revisions known at the month's end say together. The decision is the one of the newest. A later revision that was quoted after
--   the decision changes nothing: neither the decision nor the price
-- columns:
--   period_month         DATE
--   start_date           DATE
--   as_of_date           DATE
--   quotation_id         VARCHAR
--   first_revision       INTEGER
--   revision             INTEGER
--   revision_count       BIGINT
--   first_quoted_date    DATE
--   offer                STRUCT(quoted_date DATE, quantity DECIMAL(18,4), unit_price DECIMAL(24,10), target_price DECIMAL(24,10), currency VARCHAR)
--   decision             STRUCT(decided_date DATE, decision VARCHAR, lost_reason VARCHAR, competitor_id VARCHAR, order_id VARCHAR)
--   is_package_complete  BOOLEAN
-- fmt: on
with
    ordered as (
        select
            *,
            min(decided_date) over (
                partition by period_month, quotation_id
                order by revision
                rows between unbounded preceding and 1 preceding
            ) as decided_before
        from core.quotation_revisions
    ),

    decisions as (
        select period_month, quotation_id, arg_max_null(decision, revision) as decision
        from ordered
        where coalesce(decided_before >= least(known_on, decided_date), true)
        group by period_month, quotation_id
    )

select
    revisions.period_month,
    revisions.start_date,
    revisions.as_of_date,
    revisions.quotation_id,
    min(revisions.revision) as first_revision,
    max(revisions.revision) as revision,
    count(*) as revision_count,
    min(revisions.quoted_date) as first_quoted_date,
    arg_max(revisions.offer, revisions.revision) filter (revisions.quoted_date is not null) as offer,
    any_value(decisions.decision) as decision,
    arg_min(revisions.is_package_complete, revisions.revision) as is_package_complete
from core.quotation_revisions as revisions
join decisions using (period_month, quotation_id)
where revisions.is_first or revisions.known_on <= coalesce(decisions.decision.decided_date, revisions.as_of_date)
group by revisions.period_month, revisions.start_date, revisions.as_of_date, revisions.quotation_id
