"""Complaints, audit findings and requests of customers."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months, product_is_known
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="issues",
    table="core.issues",
    batch=of_the_months("issues"),
    needs=frozenset({"issues"}),
    rules=(
        # A month without complaints may well be a good month.
        has_rows("issues", Owner.QUALITY, Severity.INFO),
        key_is_unique("issues"),
        account_is_known("issues"),
        product_is_known("issues"),
        Rule(
            name="issues.not_closed_before_opened",
            sentence="No issue was closed before it was opened.",
            finding="{of} <issue> (was|were) closed before (it was|they were) opened",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="Days to close are negative and the mean too low; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE closed_date < opened_date",
            keys=("issue_id", "opened_date", "closed_date"),
        ),
    ),
)
