"""Ratings that customers give their vendors."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="scorecards",
    table="core.scorecards",
    batch=of_the_months("scorecards"),
    needs=frozenset({"scorecards"}),
    rules=(
        has_rows("scorecards", Owner.KEY_ACCOUNTS),
        key_is_unique("scorecards"),
        account_is_known("scorecards"),
        Rule(
            name="scorecards.score_within_maximum",
            sentence="No score exceeds the points that were possible.",
            finding="{of} <score> (exceeds|exceed) the points that were possible",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The customer's score is above 100; correct the score or its max_score in the source.",
            failing="SELECT * FROM batch WHERE score > max_score",
            keys=("account_id", "dimension", "score", "max_score"),
        ),
    ),
)
