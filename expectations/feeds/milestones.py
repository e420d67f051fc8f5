"""Gates of projects with customers, from the request for quotation to the start of production and after."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, all_rows, is_not_empty, key_is_unique, product_is_known
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="milestones",
    table="core.milestones",
    batch=all_rows("milestones"),
    needs=frozenset({"milestones"}),
    rules=(
        is_not_empty("milestones", Owner.KEY_ACCOUNTS),
        key_is_unique("milestones"),
        account_is_known("milestones"),
        product_is_known("milestones"),
        Rule(
            name="milestones.have_a_date",
            sentence="Each gate has a day on which it is wanted, planned or passed.",
            finding="{of} <gate> (has|have) no date at all",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Nobody can say whether the gate is late; enter the planned day.",
            failing="SELECT * FROM batch WHERE coalesce(requested_date, planned_date, actual_date) IS NULL",
            keys=("project_id", "gate"),
        ),
        Rule(
            name="milestones.results_have_a_day",
            sentence="A gate with a result says on which day it was decided.",
            finding="{of} <gate> (has|have) a result and no day on which it was decided",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The gate counts as open, because nobody knows since when it is decided; enter actual_date.",
            failing="SELECT * FROM batch WHERE result IS NOT NULL AND actual_date IS NULL",
            keys=("project_id", "gate", "result"),
        ),
    ),
)
