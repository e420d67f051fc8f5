-- fmt: off
-- grain: one row with the list months: period_month, failed_count and first_keys of each month that has failures
-- from: the rows of a suite (batch) and the rows that break a rule (failing)
-- why: what a check reports, in one query
-- fmt: on
with
    batch as (select * from {{ batch }}),
    failing as ({{ failing }}),
    months as (
        select
            cast(period_month as date) as period_month,
            count(*) as failed_count,
            min(struct_pack({{ keys }}), {{ most_keys }}) as first_keys
        from failing
        group by all
    )
select list(months order by period_month) as months
from months
