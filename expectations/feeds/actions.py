"""What was agreed to be done, by whom and until when."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="actions",
    table="core.actions",
    batch=of_the_months("actions"),
    needs=frozenset({"actions"}),
    rules=(
        # Not every month brings something new to do.
        has_rows("actions", Owner.KEY_ACCOUNTS, Severity.INFO),
        key_is_unique("actions"),
        account_is_known("actions"),
        Rule(
            name="actions.not_done_before_opened",
            sentence="No action was done or given up before it was agreed.",
            finding="{of} <action> (was|were) done or given up before (it was|they were) agreed",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The action counts as done in a month in which nobody had agreed on it; correct the dates.",
            failing="SELECT * FROM batch WHERE done_date < opened_date OR cancelled_date < opened_date",
            keys=("action_id", "opened_date", "done_date", "cancelled_date"),
        ),
        Rule(
            name="actions.somebody_is_responsible",
            sentence="Each action names an owner, or an account that has a manager.",
            finding="{of} <action> (has|have) no owner, and no account with a manager",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Nobody sees the action as his own; enter its owner.",
            failing="""
SELECT batch.*
FROM batch
LEFT JOIN core.accounts AS accounts USING (account_id)
WHERE coalesce(batch.owner, accounts.account_manager) IS NULL""",
            keys=("action_id",),
        ),
        Rule(
            name="actions.measure_is_published",
            sentence="Each figure that an action is to improve is published, as table.column.",
            finding="{of} <action> (is|are) to improve a figure that is not published",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Nobody sees what became of the figure; name it as docs/metrics.md does.",
            failing="""
SELECT batch.*
FROM batch
ANTI JOIN build.measures AS measures ON measures.measure = batch.measure
WHERE batch.measure IS NOT NULL""",
            keys=("action_id", "measure"),
        ),
    ),
)
