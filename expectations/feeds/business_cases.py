"""The money that projects cost and bring."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, all_rows, is_not_empty, key_is_unique
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="business_cases",
    table="core.business_cases",
    batch=all_rows("business_cases"),
    needs=frozenset({"business_cases"}),
    rules=(
        is_not_empty("business_cases", Owner.SALES_CONTROLLING),
        key_is_unique("business_cases"),
        account_is_known("business_cases"),
        Rule(
            name="business_cases.case_is_one",
            sentence="All months of a case name one account, one project and one discount rate.",
            finding="{n} (case names|cases name) several accounts, projects or discount rates",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="The case is shown with those of its first month; correct the others in the source.",
            failing="""
SELECT period_month, case_id
FROM batch
GROUP BY period_month, case_id
HAVING count(DISTINCT account_id) > 1 OR count(DISTINCT project_id) > 1 OR count(DISTINCT discount_rate) > 1""",
            keys=("case_id",),
        ),
    ),
)
