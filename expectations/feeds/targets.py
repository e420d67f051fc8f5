"""What figures should be: each names a figure that is published."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="targets",
    table="core.targets",
    batch=of_the_months("targets"),
    needs=frozenset({"targets"}),
    rules=(
        has_rows("targets", Owner.SALES_CONTROLLING),
        key_is_unique("targets"),
        account_is_known("targets"),
        rule_from_file("targets.measure_is_published"),
        Rule(
            name="targets.measure_has_a_direction",
            sentence="Of each figure with a target, it is known whether more or less is better.",
            finding="{of} <target> (is|are) for a figure of which neither more nor less is better",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Nobody can say whether the target is met; name a figure that says which way is good.",
            failing="SELECT batch.* FROM batch JOIN build.measures USING (measure) WHERE direction = 'neither'",
            keys=("measure", "account_id", "account_manager"),
        ),
        Rule(
            name="targets.manager_has_accounts",
            sentence="Each manager with a target has an account.",
            finding="{of} <target> (is|are) for a manager without an account",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Sums of the manager's accounts are 0 and the target is missed; correct the name or the master.",
            failing="""
SELECT *
FROM batch
WHERE account_id IS NULL AND account_manager IS NOT NULL
    AND account_manager NOT IN (SELECT account_manager FROM core.accounts WHERE account_manager IS NOT NULL)""",
            keys=("measure", "account_manager"),
        ),
    ),
)
