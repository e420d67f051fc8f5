"""What it costs to serve accounts, beside the goods."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="account_costs",
    table="core.account_costs",
    batch=of_the_months("account_costs"),
    needs=frozenset({"account_costs"}),
    rules=(
        has_rows("account_costs", Owner.SALES_CONTROLLING),
        key_is_unique("account_costs"),
        account_is_known("account_costs"),
        Rule(
            name="account_costs.kinds_have_rows",
            sentence="Each kind of cost that the month before has is there.",
            finding="{n} (kind of cost that the month before has is|kinds of costs that the month before has are) missing in {month}",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Accounts seem to earn more than they do; load the costs that are missing and close again.",
            failing="""
SELECT periods.period_month, earlier.cost_type
FROM build.periods AS periods
JOIN (SELECT DISTINCT month, cost_type FROM core.account_costs) AS earlier
    ON earlier.month = periods.period_month - INTERVAL 1 MONTH
ANTI JOIN batch ON batch.period_month = periods.period_month AND batch.cost_type = earlier.cost_type""",
            keys=("cost_type",),
        ),
    ),
)
