-- fmt: off
-- grain: business month looked back on × account that may be rated; the account NULL has the rules of all others
-- why: the rules that hold for an account in a month. A rule that changed later changes nothing in the months before
-- columns:
--   period_month    DATE
--   account_id      VARCHAR
--   rules_no        INTEGER
--   rule_set        VARCHAR
--   delivery_basis  VARCHAR
-- fmt: on
with
    accounts as (
        select account_id
        from core.delivery_month_totals
        union
        select account_id
        from core.delivery_quality_totals
        union
        select account_id
        from core.issues
        union
        select account_id
        from core.scorecards
        union
        select account_id
        from core.visits
        union
        select null
    ),

    -- Under which name [rating] has the rules of an account.
    named as (
        select accounts.account_id, own.account_id as rules_of
        from accounts
        left join (select distinct account_id from build.rating_rules) as own on own.account_id = accounts.account_id
    )

select months.period_month, named.account_id, rules.rules_no, rules.rule_set, rules.delivery_basis
from named
cross join core.rating_months as months
join
    build.rating_rules as rules
    on rules.account_id is not distinct from named.rules_of
    and coalesce(months.period_month >= rules.first_month, true)
    and coalesce(months.period_month < rules.end_month, true)
